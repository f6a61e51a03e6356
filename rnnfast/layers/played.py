"""Played: calls of layers on a tape of their own, as whoever holds these layers makes them, and the way back."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _structure
from rnnfast.layers.tape import Tape, TapedTensor


class Played:
    """A tape, the values that were put on it, and those that were taken from it.

    source: the layer or the model whose calls they are.
    """

    def __init__(self, source: Any, training: bool) -> None:
        self._source = source
        self._tape = Tape(training)
        self._starts: list[int] = []
        self._ends: list[int] = []

    def start(self, array: Any, mask: Any, name: str) -> TapedTensor:
        """Put an array on the tape. name: of the argument, or the input, that it is."""
        value = TapedTensor(self._tape, array, mask, (self._source, name))
        self._starts.append(value.slot)
        return value

    def starts(self, structure: Any, masks: Any, name: str) -> Any:
        """`start` each array of a structure; what else it holds stays. masks: of its leaves, or None."""
        given = iter([] if masks is None else _structure.flatten(masks))

        def put(value: Any) -> Any:
            mask = next(given, None)
            return self.start(value, mask, name) if isinstance(value, np.ndarray) else value

        return _structure.map_leaves(put, _structure.listed(structure))

    def end(self, values: Any) -> tuple[Any, Any]:
        """Take a structure of values from the tape. Gives their arrays and their masks."""
        gathered = _structure.map_leaves(self._tape.gathered, values)
        self._ends = [end.slot for end in _structure.flatten(gathered)]
        return _structure.map_leaves(lambda v: v.array, gathered), _structure.map_leaves(lambda v: v.mask, gathered)

    def backward(self, gradients: list[Any], at_logits: list[bool], need_dx: bool) -> list[Any]:
        """Back-propagate from the values that were taken; gives the gradients of those that were put on the tape, if
        `need_dx`. gradients: None for zero; at_logits: whether each is the one before the output's activation."""
        return self._tape.backward(self._ends, gradients, at_logits, self._starts if need_dx else [])
