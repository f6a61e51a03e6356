"""Ftrl: the leader that is followed, made sparse by an L1 penalty."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.optimizers.base import Optimizer


class Ftrl(Optimizer):
    """FTRL-Proximal (McMahan et al. 2013): with `p = -learning_rate_power` and `n' = n + g^2`,
    `z += g + 2 shrinkage w - (n'^p - n^p) / learning_rate w;
    w = (clip(z, -l1, l1) - z) / ((n'^p + beta) / learning_rate + 2 l2)`, n starting from
    `initial_accumulator_value`; where the divisor is 0, so is w. With a learning rate of 0 nothing changes. Further
    arguments are those of `Optimizer`.

    ValueError: learning_rate_power above 0, a strength or a start below 0.

    >>> from rnnfast.optimizers import Ftrl
    >>> Ftrl(0.1, l1_regularization_strength=0.01).slot_names
    ('accumulator', 'linear')
    """

    slot_names = ("accumulator", "linear")
    alternating = 2

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.learning_rate_power = self._check_number("learning_rate_power", learning_rate_power)
        if self.learning_rate_power > 0:
            raise ValueError(f"Ftrl: learning_rate_power must not be above 0, got {learning_rate_power!r}")
        self.initial_accumulator_value = self._not_negative("initial_accumulator_value", initial_accumulator_value)
        self.l1_regularization_strength = self._not_negative("l1_regularization_strength", l1_regularization_strength)
        self.l2_regularization_strength = self._not_negative("l2_regularization_strength", l2_regularization_strength)
        self.l2_shrinkage_regularization_strength = self._not_negative(
            "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength
        )
        self.beta = self._check_number("beta", beta)

    def _not_negative(self, argument: str, value: Any) -> float:
        number = self._check_number(argument, value)
        if number < 0:
            raise ValueError(f"Ftrl: {argument} must not be negative, got {value!r}")
        return number

    def slot_start(self, name: str) -> float:
        return self.initial_accumulator_value if name == "accumulator" else super().slot_start(name)

    def update(  # type: ignore[override]
        self, parameters: np.ndarray, gradients: np.ndarray, *, accumulator: np.ndarray, linear: np.ndarray
    ) -> None:
        rate, power, l1 = self.learning_rate, -self.learning_rate_power, self.l1_regularization_strength
        if not rate:
            return
        before = accumulator**power
        accumulator += gradients * gradients
        after = accumulator**power
        linear += gradients + (2 * self.l2_shrinkage_regularization_strength) * parameters
        linear -= (after - before) / rate * parameters
        curvature = after / rate + (2 * self.l2_regularization_strength + self.beta / rate)
        parameters.fill(0)
        np.divide(np.clip(linear, -l1, l1) - linear, curvature, out=parameters, where=curvature != 0)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
