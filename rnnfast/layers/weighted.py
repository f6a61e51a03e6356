"""The part of a layer that holds weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnnfast import _arguments
from rnnfast.variable import Variable


class Weighted:
    """A layer's own variables, in the order in which they were made, then those of the layers that it is made of, each
    once; and what is asked of them."""

    if TYPE_CHECKING:
        built: bool

        @property
        def label(self) -> str: ...
        @property
        def sublayers(self) -> list[Any]: ...

    def __init__(self) -> None:
        super().__init__()
        self._variables: list[Variable] = []
        self._trainable = True

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights. Set, it holds for the layers that this one is made of, too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: Any) -> None:
        self._trainable = bool(value)
        for layer in self.sublayers:
            layer.trainable = value

    @property
    def weights(self) -> list[Variable]:
        inner = self.sublayers
        if not inner:
            return list(self._variables)
        return list(dict.fromkeys([*self._variables, *(v for layer in inner for v in layer.weights)]))

    @property
    def variables(self) -> list[Variable]:
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        if not self._trainable:
            return []
        inner = self.sublayers
        if not inner:
            return [v for v in self.weights if v.trainable]
        learning = {v for layer in inner for v in layer.trainable_weights}
        frozen = {v for layer in inner for v in layer.weights} - learning
        return [v for v in self.weights if v.trainable and v not in frozen]

    @property
    def trainable_variables(self) -> list[Variable]:
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        trainable = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        return self.non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights."""
        return [v.value.copy() for v in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Assign all weights. ValueError, with nothing written, if their count or a shape differs."""
        arrays = [
            _arguments.numeric(f"{self.label}: weight {i}", w)
            for i, w in enumerate(_arguments.items(f"{self.label}: weights", weights, "a list of arrays"))
        ]
        variables = self.weights
        if len(arrays) != len(variables):
            hint = "" if self.built else "; it is not built yet"
            raise ValueError(f"{self.label}: expected {len(variables)} weights, got {len(arrays)}{hint}")
        for variable, array in zip(variables, arrays, strict=True):
            if array.shape != variable.shape:
                raise ValueError(
                    f"{self.label}: weight {variable.name!r} has shape {variable.shape}, got {array.shape}"
                )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """Number of weights' elements. ValueError before the layer is built."""
        if not self.built:
            raise ValueError(f"{self.label} is not built yet: call it on data, or build(input_shape)")
        return sum(v.size for v in self.weights)
