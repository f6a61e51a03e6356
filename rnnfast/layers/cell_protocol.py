"""What a cell is: one step of a recurrent layer, as `RNN` and `StackedRNNCells` ask it of any object.

A cell has `state_size`, an integer or a list with one item per state, and `call(inputs, states)`, which may take
`training`, too, and gives the output and the new states; further, where the defaults will not do, `output_size`
(default: the size of the first state) and `get_initial_state(batch_size)` (default: zeros). inputs: (batch, ...);
states: a list.

`call` is enough to predict. A cell that can be trained defines the two methods below instead, or beside it:

    forward(inputs, states, training)          -> output, new_states, cache
    backward(d_output, d_new_states, cache)    -> d_inputs, d_states

where `backward` adds to the `grad` of the cell's variables, as a layer's does, and the lists d_new_states and d_states
hold an array per state.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast import _custom_objects
from rnnfast.layers import states
from rnnfast.layers.base import Layer
from rnnfast.layers.by_name import deserialize, serialize
from rnnfast.variable import Variable


def check(label: str, cell: Any) -> None:
    """ValueError where an object is no cell."""
    steps = hasattr(cell, "call") or hasattr(cell, "forward")
    for wanted, found in (("call", steps), ("state_size", hasattr(cell, "state_size"))):
        if not found:
            raise ValueError(f"{label}: a cell has a {wanted!r}, got {cell!r} without it")
    if not _is_size(cell.state_size):
        raise ValueError(
            f"{label}: state_size of a cell must be an integer or a list of integers, got {cell.state_size!r} "
            f"of {name(cell)}"
        )


def _is_size(size: Any) -> bool:
    return all(map(_is_size, size)) if isinstance(size, (list, tuple)) else isinstance(size, (int, np.integer))


def name(cell: Any) -> str:
    """How messages name a cell."""
    kind = type(cell).__name__
    return f"cell {cell.name!r} ({kind})" if hasattr(cell, "name") else f"cell {kind}"


def has_one_state(cell: Any) -> bool:
    """Whether the state stands for itself, and not for a list of states."""
    return not isinstance(cell.state_size, (list, tuple))


def state_sizes(cell: Any) -> list[Any]:
    return [cell.state_size] if has_one_state(cell) else list(cell.state_size)


def output_size(cell: Any) -> int:
    size = getattr(cell, "output_size", None)
    return states.first(cell.state_size) if size is None else size


def initial_state(cell: Any, batch: int, dtype: str) -> list[Any]:
    """The states that a sequence starts from."""
    if getattr(cell, "get_initial_state", None) is None:
        return states.zeros(state_sizes(cell), batch, dtype)
    return as_list(cell.get_initial_state(batch_size=batch))


def as_list(given: Any) -> list[Any]:
    """States in a list, which a cell may leave out around the one it has."""
    return list(given) if isinstance(given, (list, tuple)) else [given]


def untrainable(cell: Any) -> str | None:
    """Why a cell cannot be trained, or None where it defines the two passes."""
    if all(_defines(part, method) for part in (cell, *parts(cell)) for method in ("forward", "backward")):
        return None
    return (
        f"{name(cell)} can predict and not be trained: it defines call alone; define "
        "forward(inputs, states, training), which gives output, new states and cache, and "
        "backward(d_output, d_new_states, cache), which gives d_inputs and d_states"
    )


def _defines(cell: Any, method: str) -> bool:
    if isinstance(cell, Layer):  # whose own `forward` says that there is none
        return getattr(type(cell), method) is not getattr(Layer, method)
    return hasattr(cell, method)


def stepper(cell: Any) -> Callable[[Any, list[Any], bool], tuple[Any, list[Any], Any]]:
    """What runs one step: inputs, states and training to output, new states and cache (None from `call`)."""
    if _defines(cell, "forward"):
        return lambda inputs, before, training: cell.forward(inputs, before, training)
    takes_training = "training" in inspect.signature(cell.call).parameters

    def step(inputs: Any, before: list[Any], training: bool) -> tuple[Any, list[Any], Any]:
        output, after = cell.call(inputs, before, **({"training": training} if takes_training else {}))
        return output, as_list(after), None

    return step


def build(cell: Any, input_shape: tuple[int | None, ...]) -> None:
    """Build a cell that can be built and is not yet."""
    if hasattr(cell, "build") and not getattr(cell, "built", False):
        cell.build(input_shape)
        cell.built = True  # a `build` of the user's own need not say so


def parts(cell: Any) -> list[Any]:
    """The cells of a stack, those of stacks in it in their place, or the cell itself."""
    held = getattr(cell, "cells", None)
    return [cell] if held is None else [part for inner in held for part in parts(inner)]


def weights(cell: Any, which: str = "weights") -> list[Variable]:
    """The variables of a cell, all or those of "trainable_weights"; of an object that is no layer its `weights`."""
    return list(getattr(cell, which, getattr(cell, "weights", [])))


def to_config(cell: Any) -> dict[str, Any]:
    """Keras' serialized form of a cell. TypeError: a class of the user's own without `get_config`."""
    if not hasattr(cell, "get_config"):
        raise TypeError(f"{name(cell)} cannot be written down: it has no get_config")
    return serialize(cell)


def from_config(config: Any) -> Any:
    """The cell of a serialized form, or a cell as it is. One of the user's own need not be a layer."""
    if not isinstance(config, (dict, str)):
        return config
    own = _custom_objects.find(config)
    return deserialize(config) if own is None else _custom_objects.make(own, config)
