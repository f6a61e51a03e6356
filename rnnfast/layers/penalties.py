"""What layers and models add to the loss: the penalties of regularizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnnfast import _kernels, _structure, regularizers
from rnnfast.layers.held import held_layers
from rnnfast.regularizers import Regularizer
from rnnfast.variable import Variable


class Penalized:
    """The part of a layer that knows penalties: those of its weights, of its outputs, and of the layers in it.

    A layer with an `activity_regularizer` calls `penalize` in `forward` and `penalized` in `backward`. A layer that is
    made of others names them in `sublayers`.
    """

    if TYPE_CHECKING:
        of_user: bool

        @property
        def label(self) -> str: ...
        @property
        def trainable_weights(self) -> list[Variable]: ...

    activity_regularizer: Regularizer | None = None

    def __init__(self) -> None:
        super().__init__()
        self._activity_losses: list[float] = []

    @property
    def sublayers(self) -> list[Any]:
        """The layers that this one is made of: of a class of the user's own, those that it holds as attributes, also
        in lists and dictionaries."""
        return held_layers(self) if self.of_user else []

    @property
    def losses(self) -> list[float]:
        """Penalties that training adds to the loss: of the outputs of the last call, then of the trainable weights."""
        return self.losses_with(self.trainable_weights)

    def losses_with(self, trainable: list[Variable]) -> list[float]:
        """`losses`, for a caller who has the trainable weights at hand."""
        return [*self._penalties_of_outputs(), *regularizers.penalties(trainable)]

    @property
    def penalizes_outputs(self) -> bool:
        return self.activity_regularizer is not None or any(layer.penalizes_outputs for layer in self.sublayers)

    def _penalties_of_outputs(self) -> list[float]:
        return [loss for layer in self._parts({}).values() for loss in layer._activity_losses]

    def _parts(self, found: dict[int, Any]) -> dict[int, Any]:
        """This layer and those in it, each once, however many hold it."""
        if id(self) not in found:
            found[id(self)] = self
            for layer in self.sublayers:
                layer._parts(found)
        return found

    def clear_losses(self) -> None:
        """Forget the penalties of earlier calls' outputs."""
        self._activity_losses.clear()
        for layer in self.sublayers:
            layer.clear_losses()

    def penalize(self, y: Any) -> None:
        """Note the penalties of the output, an array or a structure of several: a layer with `activity_regularizer`
        calls this at the end of `forward`."""
        if self.activity_regularizer is not None:
            for array in _structure.flatten(y):
                self._activity_losses.append(float(self.activity_regularizer(array)) / max(1, len(array)))

    def penalized(self, dy: Any, y: Any) -> Any:
        """The gradient of the output, with that of its penalties: the counterpart of `penalize` in `backward`. dy: as y
        is, with None where there is no gradient."""
        regularizer = self.activity_regularizer
        if regularizer is None:
            return dy
        parts = iter(_structure.flatten(dy))

        def add(array: np.ndarray) -> np.ndarray:
            part = None if dy is None else next(parts)
            gradient = regularizers.gradient_at(regularizer, array, self.label)
            mean = np.divide(gradient, max(1, len(array)), out=_kernels.empty_like(gradient))
            return mean if part is None else np.add(mean, part, out=mean)

        return _structure.map_leaves(add, y)
