"""RMSprop: steps divided by a running root mean square of the gradient."""

from __future__ import annotations

from typing import Any

from rnnfast.optimizers.fused import Fused


class RMSprop(Fused):
    """`v = rho v + (1 - rho) g^2; w -= learning_rate g / sqrt(v + epsilon)` (Tieleman and Hinton 2012); with momentum
    the step goes through `m = momentum m + step; w -= m`; centered subtracts the squared mean gradient from v.

    Further arguments are those of `Optimizer`.

    >>> from rnnfast.optimizers import RMSprop
    >>> RMSprop(momentum=0.9, centered=True).slot_names
    ('velocity', 'momentum', 'average_gradient')
    """

    rule = "rmsprop"
    all_slots = ("velocity", "momentum", "average_gradient")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = self._check_number("rho", rho, below=1.0)
        self.momentum = self._check_number("momentum", momentum, below=1.0)
        self.epsilon = self._check_number("epsilon", epsilon, above=0.0)
        self.centered = bool(centered)
        extra = (("momentum",) if self.momentum else ()) + (("average_gradient",) if self.centered else ())
        self.slot_names = ("velocity", *extra)

    def numbers(self) -> dict[str, Any]:
        return {"rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.numbers(), "centered": self.centered}
