"""Models, and models inside models, to and from their entries in a `.keras` file's config.json.

Keras draws masks as operations of a functional model's graph. Here they travel by themselves, so reading leaves these
operations out; any other operation is refused.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from rnnfast import _custom_objects, layers
from rnnfast._custom_objects import CustomObjectScope
from rnnfast._registry import snake_case
from rnnfast.formats.errors import ModelFileError, construct
from rnnfast.formats.h5_weights import WeightsReader
from rnnfast.formats.json_text import parse_json
from rnnfast.formats.layer_config import Config, layer_from_config, layer_to_config, own_to_config
from rnnfast.formats.weights_layout import LAYERS, numbered, parts_of_layers, parts_of_model, sized_by
from rnnfast.layers.base import Layer
from rnnfast.models import Functional, Model, Sequential, graph_config

_WRITTEN_AS: dict[type[Model], Config] = {
    Sequential: {"module": "keras", "class_name": "Sequential", "registered_name": None},
    Functional: {
        "module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional",
    },
}  # fmt: skip
_OPERATIONS = "keras.src.ops."


def is_model(entry: Any) -> bool:
    is_one = isinstance(entry, dict) and entry.get("class_name") in ("Sequential", "Functional", "Model")
    return is_one and not _custom_objects.is_custom(entry)


def model_to_config(model: Model) -> Config:
    """The entry of a model and of all that it holds, as Keras serializes it. ValueError: a class of one's own."""
    if model.has_own_call:
        return own_to_config(model)
    written_as = _WRITTEN_AS.get(type(model))
    if written_as is None:
        raise ValueError(
            f"save: {model.label} is a class of your own without a call, and a file holds no code; draw it as a "
            "functional model, Model(inputs, outputs), or keep its get_weights()"
        )
    if isinstance(model, Functional):
        parts = graph_config.to_config(model, member_to_config)
        return {**written_as, "config": {"name": model.name, "trainable": model.trainable, **parts}}
    config = model.get_config()
    inputs = [entry for entry in config["layers"] if entry["class_name"] == "InputLayer"]
    config["layers"] = [*inputs, *(member_to_config(layer) for layer in model.layers)]
    entry = {**written_as, "config": config}
    return {**entry, "build_config": {"input_shape": config["build_input_shape"]}} if model.input_shape else entry


def model_from_json(text: str, custom_objects: dict[str, Any] | None = None) -> Model:
    """The model, not yet with these weights, of `Model.to_json`, here or in Keras. ModelFileError: it is no model's."""
    where = "model_from_json"
    entry = parse_json(text.encode(), where)
    if _custom_objects.is_custom(entry):
        with CustomObjectScope(custom_objects):
            return _own_model(entry, where)
    config = entry.get("config") if is_model(entry) else None
    if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
        raise ModelFileError(f"{where}: expected a Sequential or functional model with a list of layers")
    cls: Any = Sequential if entry["class_name"] == "Sequential" else Functional
    if cls is Functional:
        config = {**config, "layers": _without_masks(config["layers"], where)}
    return construct(cls.from_config, {"config": config, "custom_objects": custom_objects}, where)


def member_to_config(layer: Layer) -> Config:
    """The entry of a layer of a model."""
    return model_to_config(layer) if isinstance(layer, Model) else layer_to_config(layer, inner=member_to_config)


def model_from_config(entry: Config, reader: WeightsReader, where: str, folder: str = LAYERS) -> Model:
    """The model of an entry, built if it was, without taking memory for weights that `reader` does not hold.

    folder: where the weights of its layers lie. ModelFileError: what cannot be read; names the place.
    """
    if _custom_objects.is_custom(entry):
        return _own_model(entry, where, reader)
    config = entry.get("config")
    if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
        raise ModelFileError(f"{where}: expected config with a list of layers")
    functional = entry["class_name"] != "Sequential"
    entries = list(config["layers"])
    if functional:
        entries = _without_masks(entries, where)
    counted = entries if functional else [e for e in entries if _class_of(e) != "InputLayer"]
    paths = {id(e): path for path, e in numbered(folder, counted, lambda e: snake_case(_class_of(e)))}
    members = [
        _member_from_config(e, reader, f"{where}: layers[{i}]", paths.get(id(e), folder)) for i, e in enumerate(entries)
    ]
    arguments = {"name": config.get("name"), "trainable": config.get("trainable", True)}
    counted = [m for m in members if functional or not isinstance(m, layers.InputLayer)]
    with sized_by(reader, parts_of_layers(counted, folder)):
        if functional:
            rest = iter(members)
            drawing = {**config, "layers": entries}
            ends = construct(graph_config.from_config, {"config": drawing, "deserialize": lambda _: next(rest)}, where)
            model = construct(Functional, {"inputs": ends[0], "outputs": ends[1], **arguments}, where)
            # In the order of the file, by which its weights lie: Keras' depends on operations that are not read.
            return model.in_order(members)
        chain = construct(Sequential, {"layers": members, **arguments}, where)
        if not chain.built and config.get("build_input_shape") is not None:
            construct(chain.build, {"input_shape": config["build_input_shape"]}, where)
        return chain


def _own_model(entry: Config, where: str, reader: WeightsReader | None = None) -> Model:
    """A model with a `call` of its own, built for the shapes that the entry tells."""
    model = layer_from_config(entry, where)
    if not isinstance(model, Model) or not model.has_own_call:
        raise ModelFileError(f"{where}: expected a model with a call of its own for {entry.get('class_name')}")
    shapes = entry.get("build_config")
    if not model.built and isinstance(shapes, dict):
        with nullcontext() if reader is None else sized_by(reader, parts_of_model(model)):
            construct(model.build_from_config, {"config": shapes}, where)
    return model


def _member_from_config(entry: Any, reader: WeightsReader, where: str, path: str) -> Layer:
    """The layer, or the model, of an entry whose weights lie at `path`."""

    def model_of(inner: Any, place: str, attributes: str) -> Layer | None:
        if not is_model(inner):
            return None
        return model_from_config(inner, reader, place, f"{path}/{attributes}/{LAYERS}")

    if is_model(entry):
        return model_from_config(entry, reader, where, f"{path}/{LAYERS}")
    return layer_from_config(entry, where, model_of=model_of)


def _class_of(entry: Any) -> str:
    name = entry.get("class_name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else ""


def _without_masks(entries: list[Any], where: str) -> list[Any]:
    """The layers without the operations that make masks, and without the masks that their calls name."""
    operations = {
        entry.get("name")
        for entry in entries
        if isinstance(entry, dict) and str(entry.get("module")).startswith(_OPERATIONS)
    }
    kept = []
    for i, entry in enumerate(entries):
        if not isinstance(entry, dict) or entry.get("name") in operations:
            continue
        calls = entry.get("inbound_nodes")
        if operations and isinstance(calls, list):
            entry = {**entry, "inbound_nodes": [_without_mask(c, operations, f"{where}: layers[{i}]") for c in calls]}
        kept.append(entry)
    return kept


def _without_mask(call: Any, operations: set[Any], where: str) -> Any:
    if not isinstance(call, dict) or not isinstance(call.get("kwargs"), dict):
        return call
    kwargs = call["kwargs"]
    masks = [name for name, value in kwargs.items() if name.endswith("mask") and _reads(value, operations)]
    others = {name: value for name, value in kwargs.items() if name not in masks}
    if _reads([call.get("args"), others], operations):
        raise ModelFileError(f"{where}: it reads an operation, not a layer; only layers are read: use one in Keras")
    if masks and _reads(others, None):
        raise ModelFileError(
            f"{where}: argument {masks[0]} of its call: a mask beside {', '.join(others)} is not read; masks travel "
            "with x"
        )
    return {**call, "kwargs": others}


def _reads(value: Any, names: set[Any] | None) -> bool:
    """Whether serialized arguments hold an output of one of these layers (None: of any)."""
    if isinstance(value, (list, tuple)):
        return any(_reads(item, names) for item in value)
    if not isinstance(value, dict):
        return False
    place = value.get("keras_history")
    if isinstance(place, list) and place:
        return names is None or place[0] in names
    return any(_reads(item, names) for item in value.values())
