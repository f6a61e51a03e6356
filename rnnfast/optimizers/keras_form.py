"""Optimizers of the user's own as Keras writes them: `build`, and `update_step` for one variable at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnfast import initializers
from rnnfast.variable import Variable


class KerasForm:
    """What `build` and `update_step` of a subclass of `Optimizer` call.

    >>> import rnnfast
    >>> class Momentum(rnnfast.optimizers.Optimizer):
    ...     def build(self, variables):
    ...         super().build(variables)
    ...         self.speeds = [self.add_variable_from_reference(v, name="speed") for v in variables]
    ...     def update_step(self, gradient, variable, learning_rate):
    ...         speed = self.speeds[self._get_variable_index(variable)]
    ...         self.assign(speed, 0.9 * speed + gradient)
    ...         self.assign_sub(variable, learning_rate * speed)
    >>> Momentum(0.1).learning_rate
    0.1
    """

    slot_names: tuple[str, ...]
    built_for: list[Variable]
    _slots: list[dict[str, np.ndarray]]
    _named: list[set[str]]  # the slots that the last `build` has added, of each variable

    def update_step(self, gradient: np.ndarray, variable: Variable, learning_rate: float) -> None:
        """One step of the rule over one variable, which is written to by `assign`, `assign_add` and `assign_sub`."""
        raise TypeError(f"{type(self).__name__} does not define update_step(gradient, variable, learning_rate)")

    @property
    def has_update_step(self) -> bool:
        return type(self).update_step is not KerasForm.update_step

    @property
    def built(self) -> bool:
        return bool(self.built_for)

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """What is kept for a variable, of its shape and dtype. name: default "slot"; a taken one gets a number."""
        index = self._get_variable_index(reference_variable)
        base, count = name or "slot", 0
        name = base
        while name in self._named[index]:
            count += 1
            name = f"{base}_{count}"
        self._named[index].add(name)
        start = initializers.get(initializer)(reference_variable.shape, reference_variable.dtype.name)
        storage = np.array(start, reference_variable.dtype).reshape(-1)
        self._slots[index][name] = storage
        if name not in self.slot_names:
            self.slot_names = (*self.slot_names, name)
        return Variable.over(storage, reference_variable.shape, name)

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """`add_variable_from_reference` for all variables, a list; for several names (and as many initializers, or one
        for all) a tuple of such lists."""
        if isinstance(name, str):
            return [self.add_variable_from_reference(v, name, initializer) for v in trainable_variables]
        several = isinstance(initializer, (list, tuple))
        starts = initializer if several else [initializer] * len(name)
        return tuple(self.add_optimizer_variables(trainable_variables, *one) for one in zip(name, starts, strict=True))

    def _get_variable_index(self, variable: Variable) -> int:
        """The place of a variable in what `build` was given."""
        for i, known in enumerate(self.built_for):
            if known.storage is variable.storage:
                return i
        raise ValueError(f"{type(self).__name__}: {variable!r} is none of the variables that it was built for")

    def assign(self, variable: Variable, value: Any) -> None:
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        variable.assign_sub(value)

    def step_of(self, variable: Variable, gradient: np.ndarray, learning_rate: float) -> None:
        """`update_step`, by flat arrays."""
        seen = Variable.over(variable.storage, variable.shape, variable.name)
        seen.path = variable.path
        step: Any = self.update_step  # what it gives counts for nothing
        given = step(gradient.reshape(variable.shape), seen, learning_rate)
        if isinstance(given, np.ndarray) and not seen.version:
            raise TypeError(
                f"{type(self).__name__}: update_step has written nothing and given an array: write to the variable, by "
                "self.assign(variable, value)"
            )
