"""Lamb: Adam with steps as long as the weights are, for large batches."""

from __future__ import annotations

import numpy as np

from rnnfast.optimizers.moments import Moments, move_means


class Lamb(Moments):
    """LAMB (You et al. 2020): with m and v of Adam, `u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon);
    w -= learning_rate |w| / |u| u`, the norms those of one variable, and their ratio 1 where one of them is 0. Further
    arguments are those of `Optimizer`.

    >>> from rnnfast.optimizers import Lamb
    >>> Lamb(0.01).beta_2
    0.999
    """

    slot_names = ("momentum", "velocity")

    def update(  # type: ignore[override]
        self, parameters: np.ndarray, gradients: np.ndarray, *, momentum: np.ndarray, velocity: np.ndarray
    ) -> None:
        step = self.iterations + 1
        move_means(momentum, velocity, gradients, self.beta_1, self.beta_2)
        root = np.sqrt(velocity / (1 - self.beta_2**step)) + self.epsilon
        direction = momentum / (1 - self.beta_1**step) / root
        length, reach = np.linalg.norm(parameters), np.linalg.norm(direction)
        ratio = float(length / reach) if length > 0 and reach > 0 else 1.0
        parameters -= ratio * self.learning_rate * direction
