"""Everything that a training run goes on from: to a file in one step, and back.

A state is made of numbers, texts, lists, dictionaries with text keys, and arrays; the file is an `.npz` with the arrays
and one JSON text for the rest. Nothing in it is ever run.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from rnnfast.layers import Layer
from rnnfast.metrics import Metric
from rnnfast.utils.seeds import global_stream, set_global_stream

_TEXT = "text"
_ARRAY = "__array__"


def capture(model: Any) -> dict[str, Any]:
    """Weights, optimizer, metrics, states that layers keep, and all random streams."""
    optimizer = model.optimizer
    parts = list(_parts(model))
    return {
        "weights": model.get_weights(),
        "optimizer": optimizer.get_state(),
        "learning_rate": None if getattr(optimizer, "schedule", None) is not None else float(optimizer.learning_rate),
        "global_stream": global_stream(),
        "streams": [p.bit_generator.state for p in parts if isinstance(p, np.random.Generator)],
        "metrics": [_numbers(p) for p in parts if isinstance(p, Metric)],
        "kept": [_kept(p) for p in parts if isinstance(p, Layer)],
    }


def restore(model: Any, state: dict[str, Any]) -> None:
    """Bring a model, and the global random stream, to a captured state. ValueError: it is one of another model."""
    model.set_weights(state["weights"])
    optimizer, parts = model.optimizer, list(_parts(model))
    if state["optimizer"]["iterations"]:
        optimizer.set_state(state["optimizer"], model.trainable_weights)
    if state["learning_rate"] is not None:
        optimizer.learning_rate = state["learning_rate"]
    set_global_stream(state["global_stream"])
    streams = [p for p in parts if isinstance(p, np.random.Generator)]
    if len(streams) != len(state["streams"]):
        raise ValueError(f"the model has {len(streams)} random streams, the saved one had {len(state['streams'])}")
    for stream, value in zip(streams, state["streams"], strict=True):
        stream.bit_generator.state = value
    # "accuracy" becomes a metric with the first batch: a run that begins may have fewer metrics than one that goes on.
    for metric, numbers in zip([p for p in parts if isinstance(p, Metric)], state["metrics"], strict=False):
        vars(metric).update(numbers)
    for layer, kept in zip([p for p in parts if isinstance(p, Layer)], state["kept"], strict=False):
        if kept is not None:
            layer._states = kept  # type: ignore[attr-defined]


def _parts(root: Any) -> Iterator[Any]:
    """The layers, metrics and random streams that an object of the package holds, at any depth, in a fixed order."""
    seen: set[int] = set()
    queue = [root]
    while queue:
        part = queue.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, (Layer, Metric, np.random.Generator)):
            yield part
        if isinstance(part, dict):
            queue.extend(reversed(part.values()))
        elif isinstance(part, (list, tuple)):
            queue.extend(reversed(part))
        elif _is_holder(part):
            queue.extend(reversed(vars(part).values()))


def _is_holder(part: Any) -> bool:
    own = type(part).__module__.startswith("rnnfast.") or isinstance(part, (Layer, Metric))
    return own and hasattr(part, "__dict__") and not isinstance(part, type)


def _numbers(metric: Metric) -> dict[str, Any]:
    """What a metric has counted."""
    return {k: v for k, v in vars(metric).items() if isinstance(v, (bool, int, float, np.generic, np.ndarray))}


def _kept(layer: Layer) -> Any:
    return getattr(layer, "_states", None) if layer.stateful else None


# Files


def write_state(path: str, state: dict[str, Any]) -> None:
    """Write a state so that `path` holds the old one or the new one, whole, whenever the process or machine stops."""
    arrays: list[np.ndarray] = []
    text = json.dumps(_without_arrays(state, arrays))
    fresh = f"{path}.{os.getpid()}.new"
    try:
        with open(fresh, "wb") as file:
            named: dict[str, Any] = {str(i): array for i, array in enumerate(arrays)}
            np.savez(file, **(named | {_TEXT: np.frombuffer(text.encode(), np.uint8)}))
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    finally:
        if os.path.exists(fresh):
            os.remove(fresh)


def read_state(path: str) -> dict[str, Any]:
    """A state from its file. ValueError: it is damaged, or no such file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return _with_arrays(json.loads(file[_TEXT].tobytes()), file)
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} holds no state of training: {error}; remove it to begin anew") from None


def _without_arrays(value: Any, arrays: list[np.ndarray]) -> Any:
    """The value with each array moved to the list."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {key: _without_arrays(item, arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(item, arrays) for item in value]
    return value


def _with_arrays(value: Any, file: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {_ARRAY}:
            return file[str(value[_ARRAY])]
        return {key: _with_arrays(item, file) for key, item in value.items()}
    return [_with_arrays(item, file) for item in value] if isinstance(value, list) else value
