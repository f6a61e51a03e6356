"""Symbolic tensors: a layer called on one adds a node to a graph, from which `Model(inputs, outputs)` makes a model."""

from __future__ import annotations

from typing import Any, NamedTuple

from rnnfast import _structure
from rnnfast.layers.traced import Traced, need_kind


class Node:
    """One call of a layer: on `x`, a structure of symbolic tensors (None for an input), with other call arguments.

    outputs: the symbolic tensors that it gave, as a list.
    """

    def __init__(self, layer: Any, x: Any, options: dict[str, Any]) -> None:
        self.layer = layer
        self.x = x
        self.options = options
        self.outputs: list[SymbolicTensor] = []

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """All that it reads: x first, then what stands in the options."""
        leaves = [*_structure.flatten(self.x), *_structure.flatten(self.options)]
        return [leaf for leaf in leaves if isinstance(leaf, SymbolicTensor)]


class SymbolicTensor(Traced):
    """Stands for the output of a layer: a shape, batch axis included and None where unknown, and a dtype.

    `Input(shape)` makes the first ones, layers called on them the others.

    >>> from rnnfast.layers import LSTM, Input
    >>> LSTM(4)(Input((None, 3))).shape
    (None, 4)
    """

    def __init__(self, shape: tuple[int | None, ...], dtype: str, node: Node, masked: bool) -> None:
        self.shape = shape
        self.dtype = dtype
        self.node = node
        self.masked = masked  # whether a mask may come with it
        self.recorded = True  # whether layers remember that they were called on it
        self.index = len(node.outputs)

    @property
    def layer(self) -> Any:
        return self.node.layer

    @property
    def name(self) -> str:
        return self.layer.name

    @property
    def label(self) -> str:
        return self.layer.label

    def call(self, layer: Any, x: Any, options: dict[str, Any]) -> Any:
        need_kind(layer, x, options, SymbolicTensor)
        return draw(layer, x, options)

    def operator_options(self, name: str) -> dict[str, Any]:
        options = super().operator_options(name)
        return options if self.recorded else {**options, "name": name.lower()}  # one of many sketches: it uses up none

    def __repr__(self) -> str:
        return f"<SymbolicTensor shape={self.shape} dtype={self.dtype} of {self.label}>"


class _Source(NamedTuple):
    """What stands for the layer of a value that no layer has made."""

    label: str
    name: str
    weights: tuple[()] = ()


def sketched(label: str, shape: tuple[int | None, ...], dtype: str, masked: bool) -> SymbolicTensor:
    """A first tensor on which layers are called without remembering it. label: how messages name it."""
    made = SymbolicTensor(tuple(shape), dtype, Node(_Source(label, label), None, {}), masked)
    made.recorded = False
    made.node.outputs.append(made)
    return made


def draw(layer: Any, x: Any, options: dict[str, Any]) -> Any:
    """Build the layer for the shapes of x and add the node of this call. Gives its outputs, as the layer gives them."""
    node = Node(layer, x, options)
    shapes = _structure.map_leaves(lambda t: t.shape, x)
    try:
        layer.build_call(shapes, _structure.map_leaves(_shape, options))
        given = layer.call_output_shape(shapes, options)
    except ValueError as error:
        sources = ", ".join(dict.fromkeys(f"{t.label} of shape {t.shape}" for t in node.inputs))
        raise ValueError(f"{error}; it was called on the output of {sources}") from None
    carried = _structure.flatten(x)[: layer.carried_masks] if layer.carries_mask else []
    masked = layer.creates_mask or any(t.masked for t in carried)
    return add_outputs(node, given, layer.dtype, masked)


def add_outputs(node: Node, shapes: Any, dtype: str, masked: bool) -> Any:
    """Give a node its outputs: one for a shape (a tuple), more for a structure of them."""

    def tensor(shape: tuple[int | None, ...]) -> SymbolicTensor:
        made = SymbolicTensor(tuple(shape), dtype, node, masked)
        made.recorded = recorded
        node.outputs.append(made)
        return made

    recorded = all(t.recorded for t in node.inputs)
    if recorded:
        node.layer.nodes.append(node)
    return _structure.map_leaves(tensor, shapes)


def _shape(value: Any) -> Any:
    return value.shape if hasattr(value, "shape") else value
