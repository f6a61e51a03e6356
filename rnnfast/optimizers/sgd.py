"""SGD: steps along the gradient, with momentum if wanted."""

from __future__ import annotations

from typing import Any

from rnnfast.optimizers.fused import Fused


class SGD(Fused):
    """`m = momentum m - learning_rate g; w += m`, with nesterov `w += momentum m - learning_rate g`.

    Further arguments are those of `Optimizer`.

    >>> from rnnfast.optimizers import SGD
    >>> SGD(0.1, momentum=0.9, nesterov=True).momentum
    0.9
    """

    rule = "sgd"
    all_slots = ("momentum",)

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = self._check_number("momentum", momentum)
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"SGD: momentum must be a number from 0 to 1, got {momentum!r}")
        self.nesterov = bool(nesterov)
        self.slot_names = self.all_slots if self.momentum else ()

    def numbers(self) -> dict[str, Any]:
        return {"momentum": self.momentum, "nesterov": self.nesterov}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
