"""The graph between symbolic inputs and outputs: its nodes in the order they run, its layers in Keras' order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rnnfast import _structure
from rnnfast.layers import InputLayer, Layer
from rnnfast.layers.symbolic import Node, SymbolicTensor
from rnnfast.models.mask_operations import masks_read


class Graph:
    """All nodes on the way from `inputs` to `outputs`, both structures of symbolic tensors.

    label: of the model, for messages. ValueError: an output hangs on a tensor that is no input, or two layers have one
    name; TypeError: what should be a symbolic tensor is none.
    """

    def __init__(self, label: str, inputs: Any, outputs: Any) -> None:
        self.inputs = _tensors(label, "inputs", inputs)
        self.outputs = _tensors(label, "outputs", outputs)
        self.nodes: list[Node] = []  # in the order they run
        self._given = {id(t.node) for t in self.inputs}
        reached: list[Layer] = []
        for output in self.outputs:
            self._collect(label, output.node, reached)
        unused = [t.node for t in self.inputs if t.node not in self.nodes]
        self.nodes = [*unused, *self.nodes]
        self.layers = self._ordered([*(node.layer for node in unused), *reached])
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{label}: layers must have different names, got {name!r} {names.count(name)} times")

    def _collect(self, label: str, last: Node, reached: list[Layer]) -> None:
        """Depth first, what a node reads before the node; `reached` gets layers in the order they are met."""
        done = set(map(id, self.nodes))
        path: list[tuple[Node, Iterator[SymbolicTensor]]] = []

        def enter(node: Node) -> None:
            if node.layer not in reached:
                reached.append(node.layer)
            path.append((node, iter(() if id(node) in self._given else node.inputs)))

        if id(last) not in done:
            enter(last)
        while path:
            node, rest = path[-1]
            source = next((t for t in rest if id(t.node) not in done), None)
            if source is not None:
                enter(source.node)
                continue
            if isinstance(node.layer, InputLayer) and id(node) not in self._given:
                reader = f"{path[-2][0].layer.label} reads" if len(path) > 1 else "outputs hold"
                raise ValueError(
                    f"{label}: the graph is disconnected: {reader} {node.outputs[0]!r}, which is not one of its inputs"
                )
            path.pop()
            done.add(id(node))
            self.nodes.append(node)

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

    def replay(self, starts: list[Any], call: Callable[[Node, Any, dict[str, Any]], Any]) -> list[Any]:
        """Give every node but the inputs to `call(node, x, options)`, with values in place of tensors.

        starts: the values of the inputs. Gives those of the outputs.
        """
        values = {id(t): value for t, value in zip(self.inputs, starts, strict=True)}

        def value(leaf: Any) -> Any:
            return values[id(leaf)] if isinstance(leaf, SymbolicTensor) else leaf

        for node in self.nodes:
            if id(node) in self._given:
                continue
            made = call(node, _structure.map_leaves(value, node.x), _structure.map_leaves(value, node.options))
            values.update((id(t), v) for t, v in zip(node.outputs, _structure.flatten(made), strict=True))
        return [values[id(t)] for t in self.outputs]


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
