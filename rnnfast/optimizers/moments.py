"""Two running means: what Adam's family and Lamb are made with."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.optimizers.base import Optimizer


class Moments(Optimizer):
    """Base of rules that keep a running mean of the gradient, of rate beta_1, and one of its size, of rate beta_2."""

    alternating = 2

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = self._check_number("beta_1", beta_1, below=1.0)
        self.beta_2 = self._check_number("beta_2", beta_2, below=1.0)
        self.epsilon = self._check_number("epsilon", epsilon, above=0.0)

    @property
    def rates(self) -> dict[str, float]:
        return {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.rates}


def move_means(momentum: np.ndarray, velocity: np.ndarray, gradients: np.ndarray, beta_1: float, beta_2: float) -> None:
    """One step of both means, in place: `m = beta_1 m + (1 - beta_1) g; v = beta_2 v + (1 - beta_2) g^2`."""
    momentum += (gradients - momentum) * (1 - beta_1)
    velocity += (gradients * gradients - velocity) * (1 - beta_2)
