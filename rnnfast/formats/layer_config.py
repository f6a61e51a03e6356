"""Layers to and from their entries in a `.keras` file's config.json.

Reading builds only the built-in layers, from only the arguments that their constructors name, and classes of the user's
own that the program has made known (`_custom_objects`): nothing in a file can name code, bring weights of its own, or
reach another class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rnnfast import _absent, _custom_objects, activations, layers
from rnnfast.formats.errors import ModelFileError, construct
from rnnfast.layers.base import Layer
from rnnfast.layers.mask_of import MaskOf

Config = dict[str, Any]

SUPPORTED: dict[str, type[Layer]] = {cls.__name__: cls for cls in layers.BUILT_IN}
CELLS: dict[str, type[Layer]] = {cls.__name__: cls for cls in layers.BUILT_IN_CELLS}

_KNOWN = {**SUPPORTED, **CELLS}

# Layers with an option that Keras does not have: it refuses these names with its message for unknown classes.
_PEEPHOLE_LSTM = "PeepholeLSTM"
_OWN: dict[str, type[Layer]] = {
    _PEEPHOLE_LSTM: layers.LSTM,
    "ExtendedLSTM": layers.LSTM,
    "ExtendedGRU": layers.GRU,
}

_NESTED = {"layer": SUPPORTED, "backward_layer": SUPPORTED, "cell": CELLS}
_ACTIVATIONS = ("activation", "recurrent_activation")
# Parameters of constructors that are no configuration: weights come, checked, from the file's weights member.
_NOT_CONFIG = {"weights"}

_DTYPE_POLICIES = ("DTypePolicy", "FloatDTypePolicy")

# Keras' layers that stand for an activation with a parameter: class -> (activation, Keras' argument).
_PARAMETRIC = {"LeakyReLU": ("leaky_relu", "negative_slope"), "ELU": ("elu", "alpha")}


def class_name(layer: Layer) -> str:
    """The name of a layer's class in a `.keras` file."""
    own = layer.own_config() if isinstance(layer, layers.Recurrent) else {}
    if own:
        return _PEEPHOLE_LSTM if list(own) == ["peephole"] else f"Extended{type(layer).__name__}"
    return type(layer).__name__


def layer_to_config(
    layer: Layer, supported: dict[str, type[Layer]] = SUPPORTED, inner: Callable[[Layer], Config] | None = None
) -> Config:
    """The entry of `layer`, as Keras serializes it.

    inner: writes the entry of what a TimeDistributed holds, which may be a model; default this.

    Raises:
        ValueError: the layer, its activation or an initializer is of a kind that could not be read again.
    """
    if type(layer) not in supported.values():
        return own_to_config(layer)
    name = class_name(layer)
    config = layer.get_config()
    _refuse_nameless(layer.label, config)
    if isinstance(layer, layers.Bidirectional):
        config["layer"] = layer_to_config(layer.forward_layer)
        config["backward_layer"] = layer_to_config(layer.backward_layer)
    elif isinstance(layer, layers.TimeDistributed):
        config["layer"] = (inner or layer_to_config)(layer.layer)
    elif isinstance(layer, layers.RNN):
        config["cell"] = layer_to_config(layer.cell, CELLS)
    elif isinstance(layer, layers.StackedRNNCells):
        config["cells"] = [layer_to_config(cell, CELLS) for cell in layer.cells]
    for key in _ACTIVATIONS:
        if key in config:
            config[key] = _activation_to_config(layer, getattr(layer, key))
    entry: Config = {"module": "keras.layers", "class_name": name, "config": config, "registered_name": None}
    if name in _OWN:
        entry.update(module="rnnfast.layers", registered_name=f"rnnfast>{name}")
    if layer.input_shape is not None and not isinstance(layer, layers.InputLayer):
        entry["build_config"] = {"input_shape": list(layer.input_shape)}
    return entry


def own_to_config(layer: Any) -> Config:
    """The entry of a layer, or a cell, of a class of the user's own."""
    label = getattr(layer, "label", f"cell {type(layer).__name__}")
    if isinstance(layer, MaskOf):
        raise ValueError(
            f"save: {label} cannot be written to a .keras file: Keras has no layer for what compute_mask gives; "
            "save_weights keeps the weights of its model"
        )
    if not hasattr(layer, "get_config"):
        raise ValueError(f"save: {label} cannot be written to a .keras file: it has no get_config")
    entry = _custom_objects.to_config(layer)
    _refuse_nameless(label, entry)
    built = layer.get_build_config() if hasattr(layer, "get_build_config") else None
    return entry if built is None else {**entry, "build_config": _listed(built)}


def _listed(value: Any) -> Any:
    """Shapes, which are tuples, as JSON has them."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value


def _refuse_nameless(label: str, config: Config) -> None:
    nameless = _custom_objects.without_name(config)
    if nameless is not None:
        raise ValueError(
            f"save: {label} holds {nameless}, which a file cannot name; make it a function with def, or an instance "
            "of a class with get_config, and name that when the file is loaded"
        )


# The model of an entry, its place for errors, and the attributes that lead to it from the layer that holds it; or None
# where the entry is no model's.
ModelOf = Callable[[Any, str, str], Layer | None]


def layer_from_config(
    entry: Any, where: str, supported: dict[str, type[Layer]] = SUPPORTED, model_of: ModelOf = lambda *_: None
) -> Layer:
    """The layer of an entry, not yet built.

    Args:
        entry: what config.json holds for it, unchecked.
        where: file and place, for errors.
        supported: the classes that may stand there, by name.
        model_of: reads models that wrappers hold.

    Raises:
        ModelFileError: a class or option that is not supported, or a value that the layer refuses; names the place.
    """
    name, config = _named(entry, where)
    own = _custom_objects.find(entry)
    if own is not None:
        return _own_from_config(own, entry, where, supported)
    cls = _find(entry, name, where, supported)
    where = f"{where} {config.get('name')!r} ({name})"
    arguments = {key: _argument(key, value, where, model_of) for key, value in config.items()}
    unknown = sorted(set(arguments) - (cls.argument_names() - _NOT_CONFIG))
    if unknown:
        raise ModelFileError(f"{where}: option {', '.join(unknown)} is not supported")
    return construct(cls, arguments, where)


def _own_from_config(own: Any, entry: Config, where: str, supported: dict[str, type[Layer]]) -> Any:
    made = construct(_custom_objects.make, {"own": own, "config": entry}, where)
    if (
        isinstance(made, Layer)
        and made.builds_itself
        and not made.built
        and isinstance(entry.get("build_config"), dict)
    ):
        construct(made.build_from_config, {"config": entry["build_config"]}, where)
        made.built = True
    if not isinstance(made, Layer) and supported is not CELLS:
        raise ModelFileError(f"{where}: expected a layer, got {made!r} for {entry.get('class_name')}")
    return made


def _named(entry: Any, where: str) -> tuple[str, Config]:
    name = entry.get("class_name") if isinstance(entry, dict) else None
    config = entry.get("config") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not isinstance(config, dict):
        raise ModelFileError(f"{where}: expected an object with class_name and config")
    return name, config


def _find(entry: Config, name: str, where: str, supported: dict[str, type[Layer]]) -> type[Layer]:
    if name in _OWN and supported is SUPPORTED and entry.get("registered_name") == f"rnnfast>{name}":
        return _OWN[name]
    why = _absent.reason("layers", name)
    known = name in _KNOWN or why is not None
    if _custom_objects.is_custom(entry) or (entry.get("registered_name") and not known):
        raise ModelFileError(f"{where}: layer {_custom_objects.advice(entry)}")
    if name not in supported:
        advice = f": {why}" if why else ""
        raise ModelFileError(f"{where}: layer {name} is not supported{advice}. Supported: {', '.join(supported)}")
    return supported[name]


def _argument(key: str, value: Any, where: str, model_of: ModelOf) -> Any:
    """One constructor argument from its serialized form."""
    if key in _NESTED and value is not None:
        place = f"{where}: {key}"
        model = model_of(value, place, key)
        if model is not None:
            return model
        return layer_from_config(value, place, _NESTED[key], lambda e, w, path: model_of(e, w, f"{key}/{path}"))
    if key == "cells" and isinstance(value, list):
        return [layer_from_config(cell, f"{where}: cell {i}", CELLS) for i, cell in enumerate(value)]
    if key in _ACTIVATIONS and value is not None:
        return _activation_from_config(value, f"{where}: {key}")
    if key == "dtype":
        return dtype_from_config(value, where)
    return value


def dtype_from_config(value: Any, where: str) -> str | None:
    """The dtype of a Keras dtype policy, given by name or serialized."""
    name = value
    if isinstance(value, dict):
        policy, config = _named(value, f"{where}: dtype")
        if policy not in _DTYPE_POLICIES:
            raise ModelFileError(f"{where}: dtype: policy {policy} is not supported")
        name = config.get("name")
    if name is None:
        return None
    if not isinstance(name, str):
        raise ModelFileError(f"{where}: dtype: expected the name of a dtype, got {name!r}")
    return name


def _activation_to_config(layer: Layer, activation: activations.AnyActivation) -> Any:
    if not isinstance(activation, activations.Activation) or activation == activations.get(activation.name):
        return activations.serialize(activation)
    for name, (counterpart, argument) in _PARAMETRIC.items():
        if activation.name == counterpart:
            config = {argument: activation.alpha}
            return {"module": "keras.layers", "class_name": name, "config": config, "registered_name": None}
    raise ValueError(
        f"save: {layer.label}: activation {activation.name!r} with alpha={activation.alpha} cannot be written to a "
        ".keras file: Keras has no such object; use its default parameters"
    )


def _activation_from_config(value: Any, where: str) -> activations.AnyActivation:
    name = value.get("class_name") if isinstance(value, dict) else None
    if name in _PARAMETRIC and _custom_objects.find(value) is None and not _custom_objects.is_custom(value):
        counterpart, argument = _PARAMETRIC[name]
        default: activations.Activation = getattr(activations, counterpart)
        alpha = _named(value, where)[1].get(argument, default.alpha)
        if not isinstance(alpha, (int, float)):
            raise ModelFileError(f"{where}: {name}: {argument} must be a number, got {alpha!r}")
        return default._replace(alpha=float(alpha))
    return construct(activations.get, {"identifier": value}, where)
