"""The part of a layer that remembers on which symbolic tensors it was called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnfast.layers.symbolic import Node


class Drawn:
    """A layer's calls on symbolic tensors: `nodes`, in the order they were made."""

    if TYPE_CHECKING:

        @property
        def label(self) -> str: ...

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []

    @property
    def input(self) -> Any:
        """The symbolic tensor, or structure of them, that the layer was called on. ValueError: not called just once."""
        return self._only_node("input").x

    @property
    def output(self) -> Any:
        """The symbolic tensor that the layer gave, or a list of them. ValueError: it was not called just once."""
        outputs = self._only_node("output").outputs
        return outputs[0] if len(outputs) == 1 else outputs

    def _only_node(self, attribute: str) -> Node:
        if len(self.nodes) != 1:
            raise ValueError(
                f"{self.label}: {attribute} is defined for a layer that was called on one symbolic tensor, "
                f"this one was on {len(self.nodes)}"
            )
        return self.nodes[0]

    def __getstate__(self) -> dict[str, Any]:
        """A copy or pickle of a layer leaves behind the graph that it was called in."""
        return {**self.__dict__, "nodes": []}
