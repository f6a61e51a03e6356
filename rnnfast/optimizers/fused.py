"""Optimizers whose rule the core runs: decay, update and a copy for `undo` in one pass over each variable."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rnnfast import _kernels
from rnnfast.optimizers.base import Optimizer
from rnnfast.row_gradient import RowGradient, values_of


class Fused(Optimizer):
    """Base of the built-in optimizers. `all_slots` are the core's slots in its order; `slot_names` those in use."""

    rule: ClassVar[str]  # its name in the core
    all_slots: ClassVar[tuple[str, ...]]
    takes_rows = True

    def __init__(self, learning_rate: Any, **options: Any) -> None:
        super().__init__(learning_rate, **options)
        self.slot_names = self.all_slots
        self._step: dict[str, Any] = {}

    def numbers(self) -> dict[str, Any]:
        """What the rule in the core is told besides learning rate and step."""
        return {}

    def start_step(self) -> None:
        self._step = {"learning_rate": self.learning_rate, "step": self.iterations + 1, **self.numbers()}

    def update_variable(
        self,
        parameters: np.ndarray,
        gradients: np.ndarray | RowGradient,
        before: np.ndarray,
        slots: dict[str, np.ndarray],
        *,
        weight_decay: float,
    ) -> None:
        wanted = [slots.get(name) for name in self.all_slots]
        rows = gradients.rows if isinstance(gradients, RowGradient) else None
        _kernels.optimizer_update(
            self.rule, parameters, values_of(gradients), wanted,
            rows=rows, before=before, weight_decay=weight_decay, **self._step,
        )  # fmt: skip
