"""Adafactor: second moments of a matrix kept as those of its rows and of its columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.optimizers.base import Optimizer
from rnnfast.variable import Variable


class Adafactor(Optimizer):
    """Adafactor (Shazeer and Stern 2018), with `b = 1 - t^beta_2_decay`, `s = g^2 + epsilon_1` and means over the last
    two axes of a variable:

        r = b r + (1 - b) mean(s) of each row;  c = b c + (1 - b) mean(s) of each column;  v = r c / mean(r)
        u = g / sqrt(v);  w -= max(epsilon_2, rms(w)) rho u / max(1, rms(u) / clip_threshold)

    of a variable with one axis `v = b v + (1 - b) s`. rho: the learning rate, at most `1 / sqrt(t)`. relative_step:
    accepted as Keras' argument, whose rule has that bound either way. Further arguments are those of `Optimizer`.

    >>> from rnnfast.optimizers import Adafactor
    >>> Adafactor(0.01).clip_threshold
    1.0
    """

    slot_names = ("row", "column", "velocity")
    alternating = 3

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_2_decay = self._check_number("beta_2_decay", beta_2_decay)
        self.epsilon_1 = self._check_number("epsilon_1", epsilon_1, above=0.0)
        self.epsilon_2 = self._check_number("epsilon_2", epsilon_2, above=0.0)
        self.clip_threshold = self._check_number("clip_threshold", clip_threshold, above=0.0)
        self.relative_step = bool(relative_step)

    def slot_shapes(self, variable: Variable) -> dict[str, tuple[int, ...]]:
        shapes = super().slot_shapes(variable)
        shape = variable.shape
        if len(shape) < 2:  # one number for each, which is not used: Keras' files have it
            return {**shapes, "row": (), "column": ()}
        return {**shapes, "row": shape[:-1], "column": (*shape[:-2], shape[-1])}

    def update_variable(
        self, variable: Variable, gradients: np.ndarray, before: np.ndarray, slots: dict[str, np.ndarray]
    ) -> None:
        w, g = variable.storage.reshape(variable.shape), gradients.reshape(variable.shape)
        bound = g.dtype.type(np.sqrt(np.finfo(g.dtype).max / g.size) / 2)  # so that neither squares nor sums overflow
        g = g.clip(-bound, bound)
        step = self.iterations + 1
        share = step**self.beta_2_decay
        squares = np.square(g) + g.dtype.type(self.epsilon_1)
        velocity = slots["velocity"].reshape(w.shape)
        if w.ndim < 2:
            velocity += share * (squares - velocity)
        else:
            row, column = slots["row"].reshape(w.shape[:-1]), slots["column"].reshape(*w.shape[:-2], w.shape[-1])
            row += share * (squares.mean(axis=-1) - row)
            column += share * (squares.mean(axis=-2) - column)
            velocity[...] = (row / row.mean(axis=-1, keepdims=True))[..., None] * column[..., None, :]
        # Where a row and a column have hardly seen a gradient, the product may be too small for the dtype.
        direction = g / np.sqrt(np.maximum(velocity, np.finfo(g.dtype).tiny))
        reach = max(self.epsilon_2, _rms(w)) * min(self.learning_rate, step**-0.5)
        w -= reach / max(1.0, _rms(direction) / self.clip_threshold) * direction

    def get_config(self) -> dict[str, Any]:
        own = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.square(x).mean()))
