"""How a model was compiled, to and from the `compile_config` of a `.keras` file."""

from __future__ import annotations

import json
import warnings
from typing import Any

from rnnfast import _custom_objects, losses, metrics, optimizers
from rnnfast.formats.errors import ModelFileError, construct
from rnnfast.models import Model

# Keys with no effect on results here.
_IGNORED = {"run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"}


def compile_to_config(model: Model) -> dict[str, Any] | None:
    """How `model` was compiled, as Keras serializes it; None if it was not, or with a lambda.

    A file holds no code, so a lambda could not be read again: a UserWarning says what it was. ValueError, as in Keras:
    an instance of a class without `get_config`.
    """
    try:
        config = model.get_compile_config()
        if config is None:
            return None
        json.dumps(config)
    except (ValueError, TypeError) as error:
        _left_out(str(error))
        return None
    nameless = _custom_objects.without_name(config)
    if nameless is None:
        return config
    reason = f"it was compiled with {nameless}, which a file cannot name; make it a function with def"
    if nameless == "a lambda":
        _left_out(reason)
        return None
    raise ValueError(f"save: model {model.name!r}: {reason}, or give its class a get_config")


def _left_out(reason: str) -> None:
    warnings.warn(f"save: {reason}. The file leaves out how the model was compiled", stacklevel=5)


def compile_model(model: Model, config: Any, where: str) -> None:
    """Compile a model as `config` says.

    Args:
        config: what config.json holds for it, unchecked.
        where: file and place, for errors.

    Raises:
        ModelFileError: something in it is not supported; the model is left as it was.
    """
    construct(model.compile, _arguments(config, where), where)


def _arguments(config: Any, where: str) -> dict[str, Any]:
    """The arguments of `compile` from their serialized form."""
    if not isinstance(config, dict):
        raise ModelFileError(f"{where}: expected an object, got {config!r}")
    arguments: dict[str, Any] = {}
    for key, value in config.items():
        place = f"{where}: {key}"
        if key == "optimizer":
            arguments[key] = _one(optimizers.get, value, place)
        elif key == "loss":
            arguments[key] = _structure(losses.get, value, place)
        elif key in ("metrics", "weighted_metrics"):
            arguments[key] = _structure(_metric, value, place)
        elif key == "loss_weights" and isinstance(value, (list, dict, float, int)):
            arguments[key] = value
        elif value is not None and key not in _IGNORED:
            raise ModelFileError(f"{place}={value!r} is not supported")
    return arguments


def _structure(get: Any, value: Any, where: str, depth: int = 2) -> Any:
    """Objects per output: one, a list of them, or a dictionary by the outputs' names; metrics may be lists in these."""
    if value is None:
        return None
    if isinstance(value, list) and depth:
        return [_structure(get, item, f"{where}[{i}]", depth - 1) for i, item in enumerate(value)]
    if isinstance(value, dict) and "class_name" not in value and depth:
        return {name: _structure(get, item, f"{where}[{name!r}]", depth - 1) for name, item in value.items()}
    return _one(get, value, where)


def _metric(identifier: Any) -> Any:
    return identifier if metrics.is_plain_accuracy(identifier) else metrics.get(identifier)


def _one(get: Any, value: Any, where: str) -> Any:
    """An optimizer, loss or metric from its name or its serialized form."""
    if isinstance(value, dict) and _custom_objects.find(value) is None:
        if not isinstance(value.get("class_name"), str) or _custom_objects.is_custom(value):
            raise ModelFileError(f"{where}: {_custom_objects.advice(value)}")
        if value["class_name"] == "function":  # a built-in function, by name
            value = value.get("config")
    if not isinstance(value, (str, dict)):
        raise ModelFileError(f"{where}: expected a name or a serialized object, got {value!r}")
    return construct(get, {"identifier": value}, where)
