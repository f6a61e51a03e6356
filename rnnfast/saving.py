"""Keras' module of this name: whole models in files, and names for classes of the user's own.

>>> import rnnfast
>>> rnnfast.keras.saving is rnnfast.saving
True
"""

from __future__ import annotations

from typing import Any

from rnnfast import activations, constraints, initializers, layers, losses, metrics, optimizers, regularizers
from rnnfast._custom_objects import (
    CustomObjectScope,
    advice,
    custom_object_scope,
    find,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    make,
    register_keras_serializable,
    to_config,
)
from rnnfast.models import load_model, save_model
from rnnfast.optimizers import schedules

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "register_keras_serializable",
    "save_model",
    "serialize_keras_object",
]

# The rooms whose classes have serialized forms, by Keras' modules; a schedule is looked for before an optimizer.
_ROOMS: dict[str, tuple[type, Any]] = {
    "keras.layers": (layers.Layer, layers),
    "keras.initializers": (initializers.Initializer, initializers),
    "keras.regularizers": (regularizers.Regularizer, regularizers),
    "keras.constraints": (constraints.Constraint, constraints),
    "keras.losses": (losses.Loss, losses),
    "keras.metrics": (metrics.Metric, metrics),
    "keras.optimizers.schedules": (schedules.LearningRateSchedule, schedules),
    "keras.optimizers": (optimizers.Optimizer, optimizers),
}


def serialize_keras_object(obj: Any) -> Any:
    """Keras' serialized form of an object, to be part of a configuration: a dictionary with module, class_name, config.

    obj: a layer, initializer, regularizer, constraint, loss, metric, optimizer, schedule or activation; a function, or
    an instance of a class with `get_config`; numbers, text and None stay as they are, lists and dictionaries of all
    these are walked through. TypeError: anything else.

    >>> import rnnfast
    >>> rnnfast.saving.serialize_keras_object([rnnfast.initializers.Zeros(), 3])[0]["class_name"]
    'Zeros'
    """
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, activations.AnyActivation):
        return activations.serialize(obj)
    if isinstance(obj, (list, tuple)):
        return [serialize_keras_object(item) for item in obj]
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    for kind, room in _ROOMS.values():
        if isinstance(obj, kind):
            return room.serialize(obj)
    if callable(obj) or hasattr(obj, "get_config"):
        return to_config(obj)
    raise TypeError(f"serialize_keras_object: expected an object with a configuration, got {obj!r}")


def deserialize_keras_object(config: Any, custom_objects: dict[str, Any] | None = None, safe_mode: bool = True) -> Any:
    """The object of a form that `serialize_keras_object`, here or in Keras, gives; the other way.

    custom_objects: classes and functions of the user's own, by name, beside those that are registered. safe_mode:
    accepted as Keras' argument; code is never run. ValueError: a class that is not known.

    >>> import rnnfast
    >>> form = rnnfast.saving.serialize_keras_object(rnnfast.layers.GRU(4))
    >>> rnnfast.saving.deserialize_keras_object(form).units
    4
    """
    with CustomObjectScope(custom_objects):
        return _object(config)


def _object(config: Any) -> Any:
    if isinstance(config, (list, tuple)):
        return [_object(item) for item in config]
    if not isinstance(config, dict):
        return config
    if "class_name" not in config or "config" not in config:
        return {key: _object(value) for key, value in config.items()}
    own = find(config)
    if own is not None:
        return make(own, config)
    if config.get("module") not in _ROOMS:
        raise ValueError(f"deserialize_keras_object: {advice(config)}")
    return _ROOMS[config["module"]][1].deserialize(config)
