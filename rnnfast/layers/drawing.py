"""Drawing: the calls of layers on the way from some symbolic tensors to others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rnnfast import _structure
from rnnfast.layers.symbolic import Node, SymbolicTensor


class Drawing:
    """All nodes on the way from `inputs` to `outputs`, in the order in which they run.

    label: of whoever draws, for messages. ValueError: an output hangs on a tensor that is no input.
    """

    def __init__(self, label: str, inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.nodes: list[Node] = []
        self.met: list[Any] = []  # the layers, in the order in which the way back from the outputs meets them
        self._given = {id(t.node) for t in inputs}
        for output in outputs:
            self._collect(label, output.node)

    def _collect(self, label: str, last: Node) -> None:
        """Depth first, what a node reads before the node."""
        done = set(map(id, self.nodes))
        path: list[tuple[Node, Iterator[SymbolicTensor]]] = []

        def enter(node: Node) -> None:
            if node.layer not in self.met:
                self.met.append(node.layer)
            path.append((node, iter(() if id(node) in self._given else node.inputs)))

        if id(last) not in done:
            enter(last)
        while path:
            node, rest = path[-1]
            source = next((t for t in rest if id(t.node) not in done), None)
            if source is not None:
                enter(source.node)
                continue
            if node.x is None and id(node) not in self._given:
                reader = f"{path[-2][0].layer.label} reads" if len(path) > 1 else "outputs hold"
                raise ValueError(
                    f"{label}: the graph is disconnected: {reader} {node.outputs[0]!r}, which is not one of its inputs"
                )
            path.pop()
            done.add(id(node))
            self.nodes.append(node)

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

    def trace(self) -> list[Any]:
        """What is equal for two drawings of the same calls: of each the layer, or of one that was made for the call its
        class and configuration, and what it reads."""
        places: dict[int, Any] = {id(t): i for i, t in enumerate(self.inputs)}

        def place(leaf: Any) -> Any:
            if isinstance(leaf, np.ndarray):  # which == would compare by elements
                return leaf.shape, leaf.dtype.str, leaf.tobytes()
            return places.get(id(leaf)) if isinstance(leaf, SymbolicTensor) else leaf

        calls: list[Any] = []
        for count, node in enumerate(self.nodes):
            places.update((id(t), (count, t.index)) for t in node.outputs if id(t) not in places)
            if id(node) not in self._given:
                layer = node.layer
                made = layer if layer.weights else (type(layer), {**layer.get_config(), "name": None})
                calls.append((made, _structure.map_leaves(place, node.x), _structure.map_leaves(place, node.options)))
        return [*calls, [place(t) for t in self.outputs]]
