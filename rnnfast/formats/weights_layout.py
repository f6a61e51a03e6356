"""Where each weight of a model lies in the weights file of a `.keras` archive, and its way in and out.

Layers are found by class and order (`layers/lstm`, `layers/lstm_1`, ...), not by name. The weights of a recurrent layer
are its cell's (`layers/lstm/cell`), those of a stack of cells theirs (`layers/rnn/cell/cells/lstm_cell`), those of a
wrapper its inner layers' (`layers/bidirectional/forward_layer/cell`), those of a model inside a model its layers'
(`layers/functional/layers/dense`), those of the layers in a layer of the user's own lie under the attribute's name, in
lists and dictionaries numbered by class (`layers/encoder/steps/gru`), and so do those of a model with a `call` of its
own, which in Keras has one attribute more, `layers`. A layer that is held twice lies where it is met first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from rnnfast import layers
from rnnfast._registry import snake_case
from rnnfast._warnings import warn_caller
from rnnfast.formats.errors import ModelFileError
from rnnfast.formats.h5_weights import Group, WeightsReader
from rnnfast.formats.layer_config import class_name
from rnnfast.initializers import Initializer
from rnnfast.layers import held
from rnnfast.layers.base import Layer
from rnnfast.models import Model
from rnnfast.variable import Variable

LAYERS = "layers"

_MADE_OF = (layers.Bidirectional, layers.TimeDistributed, layers.RNN, layers.StackedRNNCells)


def numbered(folder: str, members: Sequence[Any], name_of: Callable[[Any], str]) -> list[tuple[str, Any]]:
    """(path, member): the name of its class, with a number from the second one on."""
    counts: Counter[str] = Counter()
    paths = []
    for member in members:
        name = name_of(member)
        paths.append((f"{folder}/{name}_{counts[name]}" if counts[name] else f"{folder}/{name}", member))
        counts[name] += 1
    return paths


Part = tuple[str, str, Any]  # path, name, and the layer or cell whose own weights lie there, or None


def parts_of_layers(model_layers: Sequence[Layer], folder: str = LAYERS) -> Iterator[Part]:
    """The parts of some of a model's layers and of what they hold."""
    met: set[int] = set()
    for path, layer in numbered(folder, model_layers, _folder_name):
        yield from _parts(path, layer, met)


def parts_of_model(model: Any) -> Iterator[Part]:
    """The parts of a model, the model itself first."""
    if model.has_own_call:
        yield from _parts("", model, set())
    else:
        yield "", model.name, None
        yield from parts_of_layers(model.layers)


def _parts(path: str, layer: Any, met: set[int]) -> Iterator[Part]:
    if id(layer) in met:
        return
    met.add(id(layer))
    if isinstance(layer, layers.Recurrent):
        yield path, layer.name, None
        yield f"{path}/cell", f"{snake_case(class_name(layer))}_cell", layer
    else:
        owner = layer.layer if isinstance(layer, layers.RecurrentCell) else layer
        made_of = isinstance(layer, _MADE_OF) or _is_listed(layer)
        yield path, getattr(layer, "name", type(layer).__name__), None if made_of else owner
    for name, inner in _inner(layer):
        yield from _parts(f"{path}/{name}" if path else name, inner, met)


def _inner(layer: Any) -> list[tuple[str, Any]]:
    """(path from it, layer or cell) of what a layer holds."""
    if isinstance(layer, layers.Bidirectional):
        return [("forward_layer", layer.forward_layer), ("backward_layer", layer.backward_layer)]
    if isinstance(layer, layers.TimeDistributed):
        return [("layer", layer.layer)]
    if isinstance(layer, layers.RNN):
        return [("cell", layer.cell)]
    if isinstance(layer, layers.StackedRNNCells):
        return numbered("cells", layer.cells, _folder_name)
    if _is_listed(layer):
        return numbered(LAYERS, layer.layers, _folder_name)
    return [] if isinstance(layer, layers.RecurrentCell) else _held(layer)


def _is_listed(layer: Any) -> bool:
    """Whether it is a model that is its layers, and no code beside them."""
    return isinstance(layer, Model) and not layer.has_own_call


def _held(owner: Any) -> list[tuple[str, Any]]:
    """(attribute, layer) of the layers that one of the user's own is made of, in the order of Keras' files: by name,
    private ones last."""
    attributes = dict(held.attributes(owner))
    if isinstance(owner, Model):
        attributes[LAYERS] = owner.layers
    names = sorted(attributes, key=lambda name: f"~{name}" if name.startswith("_") else name)
    return [place for name in names for place in _contained(name, attributes[name])]


def _contained(path: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Layer):
        return [(path, value)]
    inner = [item for item in held.members(value) if isinstance(item, (Layer, list, tuple, dict))]
    places = numbered(path, inner, lambda item: _folder_name(item) if isinstance(item, Layer) else "container")
    return [place for name, item in places for place in _contained(name, item)]


def _own_weights(owner: Any) -> list[Variable]:
    """The weights of a layer or a cell without those of the layers in it, in Keras' order. None has none."""
    if owner is None:
        return []
    of_others = {id(v) for _, layer in _held(owner) for v in layer.weights}
    own = [v for v in getattr(owner, "weights", []) if id(v) not in of_others]
    return sorted(own, key=lambda v: not v.trainable)


def weight_groups(model: Model) -> dict[str, Group]:
    """Every group of the weights file of a model, with the values of its layers' weights."""
    return {path: Group(name, [v.numpy() for v in _own_weights(owner)]) for path, name, owner in parts_of_model(model)}


def _folder_name(layer: Layer) -> str:
    return snake_case(class_name(layer))


class _Stored(Initializer):
    """Stands in for a layer's initializers: zeros, once the file is known to hold a weight of this shape."""

    def __init__(self, reader: WeightsReader, path: str, label: str) -> None:
        self.reader, self.path, self.label = reader, path, label
        self.count = 0

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        self.reader.claim(self.path, self.count, self.label, shape, str(dtype))
        self.count += 1
        return np.zeros(shape, dtype)


@contextmanager
def sized_by(reader: WeightsReader, parts: Iterable[Part]) -> Iterator[None]:
    """While this is open, building the layers takes memory only for weights that `reader` holds, shape for shape.

    It also spares the work of drawing initial values that would be overwritten.
    """
    originals: list[tuple[Layer, str, Any]] = []
    try:
        for path, name, owner in parts:
            mine = [] if owner is None else [(k, v) for k, v in vars(owner).items() if isinstance(v, Initializer)]
            originals += [(owner, attribute, value) for attribute, value in mine]
            stored = _Stored(reader, path, getattr(owner, "label", name))
            for attribute, _ in mine:
                setattr(owner, attribute, stored)
        yield
    finally:
        for target, attribute, value in originals:
            setattr(target, attribute, value)


def read_weights(reader: WeightsReader, model: Model, skip_mismatch: bool = False) -> None:
    """Assign every weight of a built model from the file. ModelFileError, before any is assigned, where one is missing,
    surplus or differs; with skip_mismatch a UserWarning, and that layer keeps what it has."""
    parts = list(parts_of_model(model))
    if not model.has_own_call and not skip_mismatch:
        tops = {path.split("/")[1] for path, _, _ in parts if path}
        reader.check_no_other(LAYERS, tops)
    fitting: list[tuple[Variable, Any]] = []
    for path, name, owner in parts:
        label, variables = getattr(owner, "label", name), _own_weights(owner)
        try:
            reader.check_count(path, label, [v.name for v in variables])
            found = [reader.claim(path, i, label, v.shape, str(v.dtype)) for i, v in enumerate(variables)]
        except ModelFileError as error:
            if not skip_mismatch:
                raise
            warn_caller(f"load_weights: {label} is skipped: {error}")
            continue
        fitting += zip(variables, found, strict=True)
    for variable, dataset in fitting:
        variable.assign(reader.read(dataset))
