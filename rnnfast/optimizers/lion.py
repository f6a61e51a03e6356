"""Lion: steps of one size, along the sign of a running mean of the gradient."""

from __future__ import annotations

from typing import Any

from rnnfast.optimizers.fused import Fused


class Lion(Fused):
    """`w -= learning_rate sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g` (Chen et al. 2023).

    Further arguments are those of `Optimizer`.

    >>> from rnnfast.optimizers import Lion
    >>> Lion(1e-4, weight_decay=0.1).beta_2
    0.99
    """

    rule = "lion"
    all_slots = ("momentum",)

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **options: Any) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = self._check_number("beta_1", beta_1, above=0.0)
        if self.beta_1 > 1:
            raise ValueError(f"Lion: beta_1 must be a number above 0, up to 1, got {beta_1!r}")
        self.beta_2 = self._check_number("beta_2", beta_2, below=1.0)

    def numbers(self) -> dict[str, Any]:
        return {"beta_1": self.beta_1, "beta_2": self.beta_2}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.numbers()}
