"""Lamb: Adam with steps as long as the weights are, for large batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.optimizers.base import Optimizer


class Lamb(Optimizer):
    """LAMB (You et al. 2020): with m and v of Adam, `u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon);
    w -= learning_rate |w| / |u| u`, the norms those of one variable, and their ratio 1 where one of them is 0. Further
    arguments are those of `Optimizer`.

    >>> from rnnfast.optimizers import Lamb
    >>> Lamb(0.01).beta_2
    0.999
    """

    slot_names = ("momentum", "velocity")
    alternating = True

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

    def update(  # type: ignore[override]
        self, parameters: np.ndarray, gradients: np.ndarray, *, momentum: np.ndarray, velocity: np.ndarray
    ) -> None:
        step = self.iterations + 1
        momentum += (gradients - momentum) * (1 - self.beta_1)
        velocity += (gradients * gradients - velocity) * (1 - self.beta_2)
        root = np.sqrt(velocity / (1 - self.beta_2**step)) + self.epsilon
        direction = momentum / (1 - self.beta_1**step) / root
        length, reach = np.linalg.norm(parameters), np.linalg.norm(direction)
        ratio = float(length / reach) if length > 0 and reach > 0 else 1.0
        parameters -= ratio * self.learning_rate * direction

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
