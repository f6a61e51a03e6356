"""The part of a layer that tells what training it takes: what computes it, what its options cost, and what
stands in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rnnfast.variable import Variable

# From the fastest on: the core, NumPy over whole arrays, code of the user's.
_MEANS = ("C++", "NumPy", "Python")


class Explained:
    """`runs_on` and `option_costs` of a layer, for `explain` of models, and `untrainable`, for `fit`. A layer made of
    others has theirs, too."""

    if TYPE_CHECKING:

        @property
        def runs_own_call(self) -> bool: ...
        @property
        def calls_layers_alone(self) -> bool: ...
        @property
        def sublayers(self) -> list[Any]: ...
        @property
        def trainable_weights(self) -> list[Variable]: ...
        @property
        def penalizes_outputs(self) -> bool: ...

    passes_in_core: ClassVar[bool] = False

    @property
    def runs_on(self) -> str:
        """What computes both passes: "C++", "NumPy" or "Python", for a layer made of others the slowest of theirs."""
        passes = [getattr(type(self), name) for name in ("forward", "backward", "call")]
        if self.runs_own_call and self.calls_layers_alone:
            passes = []
        if any(function.__module__.partition(".")[0] != "rnnfast" for function in passes):
            return "Python"
        inner = [layer.runs_on for layer in self.sublayers]
        return max(inner, key=_MEANS.index) if inner else "C++" if self.passes_in_core else "NumPy"

    @property
    def untrainable(self) -> str | None:
        """Why no gradient can go through the layer, or None where one can."""
        return next(filter(None, (layer.untrainable for layer in self.sublayers)), None)

    def option_costs(self) -> dict[str, str]:
        """The options in use that training pays for beside the layer's formula, and what each takes, in kind."""
        costs: dict[str, str] = {}
        for layer in self.sublayers:
            costs.update(layer.option_costs())
        if any(v.regularizer is not None for v in self.trainable_weights):
            costs["regularizer"] = "per update two passes over the weights: the penalty and its gradient"
        if any(v.constraint is not None for v in self.trainable_weights):
            costs["constraint"] = "per update a pass over the weights"
        if self.penalizes_outputs:
            costs["activity_regularizer"] = "per batch two passes over the outputs: the penalty and its gradient"
        return costs
