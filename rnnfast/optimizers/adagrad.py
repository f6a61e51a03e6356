"""Adagrad and Adadelta: steps divided by what the gradients so far have added up to."""

from __future__ import annotations

from typing import Any

from rnnfast.optimizers.fused import Fused


class Adagrad(Fused):
    """`a += g^2; w -= learning_rate g / sqrt(a + epsilon)` (Duchi, Hazan and Singer 2011), a starting from
    `initial_accumulator_value`. Further arguments are those of `Optimizer`.

    >>> from rnnfast.optimizers import Adagrad
    >>> Adagrad(0.1).initial_accumulator_value
    0.1
    """

    rule = "adagrad"
    all_slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = self._check_number("initial_accumulator_value", initial_accumulator_value)
        if self.initial_accumulator_value < 0:
            raise ValueError(
                f"Adagrad: initial_accumulator_value must not be negative, got {initial_accumulator_value!r}"
            )
        self.epsilon = self._check_number("epsilon", epsilon, above=0.0)

    def slot_start(self, name: str) -> float:
        return self.initial_accumulator_value if name in self.slot_names else super().slot_start(name)

    def numbers(self) -> dict[str, Any]:
        return {"epsilon": self.epsilon}

    def get_config(self) -> dict[str, Any]:
        own = {"initial_accumulator_value": self.initial_accumulator_value, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


class Adadelta(Fused):
    """`a = rho a + (1 - rho) g^2; d = sqrt(b + epsilon) g / sqrt(a + epsilon); b = rho b + (1 - rho) d^2;
    w -= learning_rate d` (Zeiler 2012). Further arguments are those of `Optimizer`.

    >>> from rnnfast.optimizers import Adadelta
    >>> Adadelta(1.0).rho
    0.95
    """

    rule = "adadelta"
    all_slots = ("accumulated_grad", "accumulated_delta_var")
    alternating = 2

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **options: Any) -> None:
        super().__init__(learning_rate, **options)
        self.rho = self._check_number("rho", rho, below=1.0)
        self.epsilon = self._check_number("epsilon", epsilon, above=0.0)

    def numbers(self) -> dict[str, Any]:
        return {"rho": self.rho, "epsilon": self.epsilon}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.numbers()}
