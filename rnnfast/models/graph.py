"""The graph between symbolic inputs and outputs: its nodes in the order they run, its layers in Keras' order."""

from __future__ import annotations

from typing import Any

from rnnfast import _structure
from rnnfast.layers import Layer
from rnnfast.layers.drawing import Drawing
from rnnfast.layers.symbolic import Node, SymbolicTensor
from rnnfast.models.mask_operations import masks_read


class Graph(Drawing):
    """All nodes on the way from `inputs` to `outputs`, both structures of symbolic tensors, and their layers.

    label: of the model, for messages. ValueError: an output hangs on a tensor that is no input, or two layers have one
    name; TypeError: what should be a symbolic tensor is none.
    """

    def __init__(self, label: str, inputs: Any, outputs: Any) -> None:
        super().__init__(label, _tensors(label, "inputs", inputs), _tensors(label, "outputs", outputs))
        unused = [t.node for t in self.inputs if t.node not in self.nodes]
        self.nodes = [*unused, *self.nodes]
        self.layers = self._ordered([*(node.layer for node in unused), *self.met])
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{label}: layers must have different names, got {name!r} {names.count(name)} times")

    def _ordered(self, reached: list[Layer]) -> list[Layer]:
        """By falling distance from the outputs, those of one distance as they were met: the order of Keras' files."""
        masks = masks_read(self.nodes)
        of_node = {id(node): 0 for node in self.nodes}
        of_layer: dict[int, int] = {}
        for node in reversed(self.nodes):
            depth = max(of_node[id(node)], of_layer.get(id(node.layer), 0))
            of_node[id(node)] = of_layer[id(node.layer)] = depth
            for source in () if id(node) in self._given else node.inputs:
                of_node[id(source.node)] = max(depth + 1, of_node[id(source.node)])
            for made_from, operations in masks.get(node, {}).items():
                of_node[id(made_from)] = max(depth + 1 + operations, of_node[id(made_from)])
        return sorted(reached, key=lambda layer: -of_layer[id(layer)])

    def nodes_of(self, layer: Layer) -> list[Node]:
        """The calls of a layer that belong to this graph, in the order they were made."""
        own = set(map(id, self.nodes))
        return [node for node in layer.nodes if id(node) in own]


def _tensors(label: str, argument: str, structure: Any) -> list[SymbolicTensor]:
    tensors = _structure.flatten(structure)
    for tensor in tensors:
        if not isinstance(tensor, SymbolicTensor):
            raise TypeError(
                f"{label}: {argument} must be symbolic tensors, from Input and layers called on them, got {tensor!r} "
                f"of type {type(tensor).__name__}"
            )
    if not tensors:
        raise ValueError(f"{label}: {argument} must hold at least one symbolic tensor")
    return tensors
