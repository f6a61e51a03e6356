"""Optimizers whose rule the core runs: decay, update and a copy for `undo` in one pass over each variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from rnnfast import _kernels
from rnnfast.optimizers.base import Optimizer
from rnnfast.row_gradient import rows_of, values_of
from rnnfast.variable import Variable


class Fused(Optimizer):
    """Base of the built-in optimizers. `all_slots` are the core's slots in its order; `slot_names` those in use."""

    rule: ClassVar[str]  # its name in the core
    all_slots: ClassVar[tuple[str, ...]]
    takes_rows = True

    def __init__(self, learning_rate: Any, **options: Any) -> None:
        super().__init__(learning_rate, **options)
        self.slot_names = self.all_slots
        self._core_slots: list[list[np.ndarray | None]] = []  # of each variable

    def numbers(self) -> dict[str, Any]:
        """What the rule in the core is told besides learning rate and step."""
        return {}

    def arrange(self, variables: Sequence[Variable]) -> None:
        super().arrange(variables)
        self._core_slots = [list(map(slots.get, self.all_slots)) for slots in self._rule_slots]

    def update_all(self, gradients: list[Any], weight_decays: list[float]) -> None:
        if self.in_python:  # of a subclass of the user's own
            super().update_all(gradients, weight_decays)
            return
        _kernels.optimizer_update(
            self.rule, [variable.storage for variable in self._updated], values_of(gradients),
            self._core_slots, rows=rows_of(gradients), before=self._before, weight_decays=weight_decays,
            learning_rate=self.learning_rate, step=self.iterations + 1, **self.numbers(),
        )  # fmt: skip
        for variable in self._updated:
            variable.touch()
