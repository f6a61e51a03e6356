"""The tape: calls of layers on arrays in the order they were made, and back-propagation along it.

Functional models replay their nodes on one, models with a `call` of their own run that on one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnfast import _structure
from rnnfast.layers.indexed_rows import Gather, IndexedRows
from rnnfast.layers.traced import Traced, need_kind


class TapedTensor(Traced):
    """An array (or IndexedRows) that a layer gave, its mask or None, and its place among the values of a tape."""

    def __init__(self, tape: Tape, array: Any, mask: np.ndarray | None, label: str) -> None:
        self.tape = tape
        self.array = array
        self.mask = mask
        self.slot = tape.add_value()
        self._label = label

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> str:  # type: ignore[override]
        return self.array.dtype.name

    @property
    def label(self) -> str:
        return self._label

    def call(self, layer: Any, x: Any, options: dict[str, Any]) -> Any:
        need_kind(layer, x, options, TapedTensor)
        values = [v for v in _structure.flatten([x, options]) if isinstance(v, TapedTensor)]
        if any(value.tape is not self.tape for value in values):
            raise TypeError(f"{layer.label}: expected outputs of layers of one call of one model, got them of several")
        return self.tape.call(layer, x, options)

    def operator_options(self, name: str) -> dict[str, Any]:
        return {**super().operator_options(name), "name": name.lower()}  # one of many: it uses up no name

    def __repr__(self) -> str:
        return f"<TapedTensor shape={self.shape} dtype={self.dtype} of {self.label}>"


class _Call(NamedTuple):
    """What backward needs of a call: values are named by their slots."""

    layer: Any
    cache: Any
    x: Any
    options: dict[str, Any]
    outputs: Any


class Tape:
    """Records calls of layers if `training`; else it only hands values and masks from one layer to the next."""

    def __init__(self, training: bool) -> None:
        self.training = training
        self._calls: list[_Call] = []
        self._read: set[int] = set()
        self._values = 0
        self._gathered: dict[int, TapedTensor] = {}  # by the slot of the IndexedRows

    def add_value(self) -> int:
        self._values += 1
        return self._values - 1

    def start(self, array: np.ndarray, mask: np.ndarray | None, label: str) -> TapedTensor:
        """An input of the model."""
        return TapedTensor(self, array, mask, label)

    def call(self, layer: Any, x: Any, options: dict[str, Any]) -> Any:
        """Check the shapes, build the layer if it is not yet, and run it."""
        shapes = _structure.map_leaves(lambda t: t.shape, x)
        layer.build_call(shapes, _structure.map_leaves(lambda v: getattr(v, "shape", v), options))
        x = self._readable(layer, x)
        layer.check_values(layer.cast(_structure.map_leaves(lambda t: t.array, x)))
        return self.run(layer, x, options)

    def gathered(self, value: Any) -> Any:
        """A value as an ordinary array, where it is given by index."""
        if not isinstance(value, TapedTensor) or not isinstance(value.array, IndexedRows):
            return value
        if value.slot not in self._gathered:
            self._gathered[value.slot] = self.run(Gather(name=value.label, dtype=value.dtype), value, {})
        return self._gathered[value.slot]

    def _readable(self, layer: Any, x: Any) -> Any:
        return x if layer.takes_indexed_rows else _structure.map_leaves(self.gathered, x)

    def run(self, layer: Any, x: Any, options: dict[str, Any]) -> Any:
        """Run a built layer. The masks of x go to it, as in Keras not if it gets other values beside x."""
        x = self._readable(layer, x)
        options = {name: _structure.map_leaves(self.gathered, value) for name, value in options.items()}
        training = options.pop("training", None)
        training = self.training if training is None else bool(training)
        arrays = layer.cast(_structure.map_leaves(lambda t: t.array, x))
        masks = _structure.map_leaves(lambda t: t.mask, x)
        carried = options.pop("mask", None)
        given = {name: _structure.map_leaves(_array, value) for name, value in options.items()}
        beside = any(isinstance(v, Traced) for v in _structure.flatten(options))
        used = carried if carried is not None else None if beside else masks
        y, out, cache = layer.forward_masked(arrays, used, training, given)
        if beside and carried is None:
            out = layer.compute_mask(arrays, masks)
        leaves = _structure.flatten(y)
        out_masks = out if isinstance(out, (list, dict)) else [out, *[None] * (len(leaves) - 1)]
        made = [
            TapedTensor(self, array, mask, layer.label)
            for array, mask in zip(leaves, _structure.flatten(out_masks), strict=True)
        ]
        outputs = _structure.pack(y, made)
        if self.training:
            slots = {name: _structure.map_leaves(_slot, value) for name, value in options.items()}
            call = _Call(layer, cache, _structure.map_leaves(_slot, x), slots, _structure.map_leaves(_slot, outputs))
            self._read.update(s for s in _structure.flatten([call.x, call.options]) if s is not None)
            self._calls.append(call)
        return outputs

    def ends_at(self, slot: int) -> bool:
        """Whether no layer reads this value."""
        return slot not in self._read

    def backward(
        self, outputs: list[int], gradients: list[Any], at_logits: list[bool], wanted: list[int]
    ) -> list[np.ndarray | None]:
        """Back-propagate: gradients of the variables are added up in their `grad`, those of `wanted` values are given.

        gradients: of the outputs, None where there is none; at_logits: it is that before the output activation.
        """
        reached = self._need_gradient(wanted)
        sums: dict[int, np.ndarray] = {}
        before_activation: set[int] = set()
        for slot, gradient, logits in zip(outputs, gradients, at_logits, strict=True):
            _add(sums, slot, gradient)
            if logits:
                before_activation.add(slot)
        for call in reversed(self._calls):
            dy = _structure.map_leaves(lambda slot: sums.pop(slot, None), call.outputs)
            flat = _structure.flatten(dy)
            need_dx = any(s in reached for s in _structure.flatten([call.x, call.options]))
            reached_by_loss = any(d is not None for d in flat) or call.layer.penalizes_outputs
            if not reached_by_loss or not (need_dx or call.layer.trainable_weights):
                continue
            dy = _structure.pack(dy, [_as(d, call.layer) for d in flat])
            logits = len(flat) == 1 and call.outputs in before_activation
            dx = (call.layer.backward_logits if logits else call.layer.backward)(dy, call.cache, need_dx=need_dx)
            if not need_dx:
                continue
            if dx is not None:
                for slot, gradient in zip(_structure.flatten(call.x), _structure.flatten(dx), strict=True):
                    _add(sums, slot, gradient)
            for name, slots in call.options.items():
                if any(slot is not None for slot in _structure.flatten(slots)):
                    parts = _structure.flatten(call.layer.option_gradient(name, call.cache))
                    for slot, gradient in zip(_structure.flatten(slots), parts, strict=True):
                        _add(sums, slot, gradient)
        return [sums.get(slot) for slot in wanted]

    def _need_gradient(self, wanted: list[int]) -> set[int]:
        """The values whose gradient is of use: wanted, or behind something that learns."""
        needed = set(wanted)
        for call in self._calls:
            read = _structure.flatten([call.x, call.options])
            if call.layer.trainable_weights or any(slot in needed for slot in read):
                needed.update(_structure.flatten(call.outputs))
        return needed


def _array(value: Any) -> Any:
    return value.array if isinstance(value, TapedTensor) else value


def _slot(value: Any) -> int | None:
    return value.slot if isinstance(value, TapedTensor) else None


def _add(sums: dict[int, np.ndarray], slot: int | None, gradient: np.ndarray | None) -> None:
    if slot is not None and gradient is not None:
        sums[slot] = sums[slot] + gradient if slot in sums else gradient


def _as(gradient: Any, layer: Any) -> Any:
    """In the dtype of the layer; a model's layers look after their own."""
    return gradient if gradient is None or hasattr(layer, "layers") else gradient.astype(layer.dtype, copy=False)
