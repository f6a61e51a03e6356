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
    """An array or IndexedRows, its mask or None, what made it (a layer, or a model and the name of its input), and its
    place on a tape."""

    def __init__(self, tape: Tape, array: Any, mask: np.ndarray | None, source: Any) -> None:
        self.tape = tape
        self.array = array
        self.mask = mask
        self.slot = tape.values
        tape.values += 1
        self._source = source

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> str:  # type: ignore[override]
        return self.array.dtype.name

    @property
    def label(self) -> str:
        if isinstance(self._source, tuple):
            model, name = self._source
            return f"input {name!r} of {model.label}"
        return self._source.label

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

    @property
    def read(self) -> list[int | None]:
        if isinstance(self.x, int) and not self.options:
            return [self.x]
        return _structure.flatten([self.x, self.options])


class Tape:
    """Records calls of layers if `training`; else it only hands values and masks from one layer to the next."""

    def __init__(self, training: bool) -> None:
        self.training = training
        self.values = 0  # number of values so far
        self._calls: list[_Call] = []
        self._gathered: dict[int, TapedTensor] = {}  # by the slot of the IndexedRows

    def call(self, layer: Any, x: Any, options: dict[str, Any]) -> Any:
        """Check the shapes and values, build the layer if it is not yet, and run it."""
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
        if isinstance(x, TapedTensor) and not isinstance(x.array, IndexedRows):
            return x
        return x if layer.takes_indexed_rows else _structure.map_leaves(self.gathered, x)

    def run(self, layer: Any, x: Any, options: dict[str, Any]) -> Any:
        """Run a built layer. The masks of x go to it, as in Keras not if it gets other values beside x."""
        x = self._readable(layer, x)
        if options or not isinstance(x, TapedTensor):
            return self._run_structure(layer, x, options)
        y, mask, cache = layer.forward_masked(layer.cast(x.array), x.mask, self.training, {})
        outputs = self._outputs(layer, y, mask)
        if self.training:
            self._calls.append(_Call(layer, cache, x.slot, {}, _slots(outputs)))
        return outputs

    def _run_structure(self, layer: Any, x: Any, options: dict[str, Any]) -> Any:
        """`run` for several inputs, or other arguments than x."""
        options = {name: _structure.map_leaves(self.gathered, value) for name, value in options.items()}
        training = options.pop("training", None)
        training = self.training if training is None else bool(training)
        arrays = layer.cast(_structure.map_leaves(lambda t: t.array, x))
        masks = _structure.map_leaves(lambda t: t.mask, x)
        own_mask = options.pop("mask", None)
        given = _structure.map_leaves(lambda v: v.array if isinstance(v, TapedTensor) else v, options)
        if own_mask is not None:
            y, mask, cache = layer.forward_masked(arrays, own_mask, training, given)
        elif any(isinstance(v, Traced) for v in _structure.flatten(options)):
            beside = _structure.map_leaves(lambda v: getattr(v, "mask", None), options)
            y, mask, cache = layer.forward_beside(arrays, masks, training, given, beside)
        else:
            y, mask, cache = layer.forward_masked(arrays, masks, training, given)
        outputs = self._outputs(layer, y, mask)
        if self.training:
            self._calls.append(_Call(layer, cache, _slots(x), _slots(options), _slots(outputs)))
        return outputs

    def _outputs(self, layer: Any, y: Any, mask: Any) -> Any:
        """mask: that of the first output, or one for each."""
        if isinstance(y, np.ndarray):
            return TapedTensor(self, y, mask, layer)
        leaves = _structure.flatten(y)
        masks = _structure.flatten(mask) if isinstance(mask, (list, dict)) else [mask, *[None] * (len(leaves) - 1)]
        made = [TapedTensor(self, array, m, layer) for array, m in zip(leaves, masks, strict=True)]
        return _structure.pack(y, made)

    def backward(
        self, outputs: list[int], gradients: list[Any], at_logits: list[bool], wanted: list[int]
    ) -> list[np.ndarray | None]:
        """Back-propagate: gradients of the variables are added up in their `grad`, those of `wanted` values are given.

        gradients: of the outputs, None where there is none; at_logits: it is that before the output activation.
        """
        sums: dict[int, np.ndarray] = {}
        before_activation: set[int] = set()
        for slot, gradient, logits in zip(outputs, gradients, at_logits, strict=True):
            _add(sums, slot, gradient)
            if logits:
                before_activation.add(slot)
        for call, need_dx in reversed(self._worthwhile(wanted)):
            if isinstance(call.outputs, int):
                dy = _as(sums.pop(call.outputs, None), call.layer)
                logits, silent = call.outputs in before_activation, dy is None
            else:
                parts = [_as(sums.pop(slot, None), call.layer) for slot in _structure.flatten(call.outputs)]
                dy = _structure.pack(call.outputs, parts)
                logits, silent = False, all(part is None for part in parts)
            if silent and not call.layer.penalizes_outputs:
                continue
            dx = (call.layer.backward_logits if logits else call.layer.backward)(dy, call.cache, need_dx=need_dx)
            if need_dx:
                _share_out(sums, call, dx)
        return [sums.get(slot) for slot in wanted]

    def _worthwhile(self, wanted: list[int]) -> list[tuple[_Call, bool]]:
        """The calls that something learns from, and whether it does from the gradient of what they read: there is then
        a wanted value, or a layer with trainable weights, before them."""
        needed = set(wanted)  # values whose gradient is of use
        calls = []
        for call in self._calls:
            need_dx = not needed.isdisjoint(call.read)
            if need_dx or call.layer.trainable_weights:
                needed.update(_structure.flatten(call.outputs))
                calls.append((call, need_dx))
        return calls


def _share_out(sums: dict[int, np.ndarray], call: _Call, dx: Any) -> None:
    """Add what a call has given back to the gradients of what it read."""
    if isinstance(call.x, int):
        _add(sums, call.x, dx)
    elif dx is not None:
        for slot, gradient in zip(_structure.flatten(call.x), _structure.flatten(dx), strict=True):
            _add(sums, slot, gradient)
    for name, slots in call.options.items():
        if any(slot is not None for slot in _structure.flatten(slots)):
            parts = _structure.flatten(call.layer.option_gradient(name, call.cache))
            for slot, gradient in zip(_structure.flatten(slots), parts, strict=True):
                _add(sums, slot, gradient)


def _slots(structure: Any) -> Any:
    if isinstance(structure, TapedTensor):
        return structure.slot
    return _structure.map_leaves(lambda v: v.slot if isinstance(v, TapedTensor) else None, structure)


def _add(sums: dict[int, np.ndarray], slot: int | None, gradient: np.ndarray | None) -> None:
    if slot is not None and gradient is not None:
        sums[slot] = sums[slot] + gradient if slot in sums else gradient


def _as(gradient: Any, layer: Any) -> Any:
    """In the dtype of the layer; a model's layers look after their own."""
    return gradient if gradient is None or layer.is_model else gradient.astype(layer.dtype, copy=False)
