"""An optimizer's step count and slots in the weights file of a `.keras` archive.

Keras keeps them as one list of variables: the count of batches, the learning rate (unless it follows a schedule), then
the slots, one array per trainable variable each: those of the options, then those of the rule, of which the first ones
alternate variable by variable in some rules; Nadam has one number more at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnfast import optimizers
from rnnfast.formats.h5_weights import Group, WeightsReader
from rnnfast.variable import Variable

PATH = "optimizer"


def _order(optimizer: optimizers.Optimizer, variables: Sequence[Variable]) -> list[tuple[str, int, tuple[int, ...]]]:
    """(slot, index of the variable, shape) in Keras' order."""
    group = optimizer.slot_names[: optimizer.alternating]
    kept = [optimizer.slot_shapes(variable) for variable in variables]
    order: list[tuple[str, int, tuple[int, ...]]] = []
    for slot in optimizer.state_slots:
        if slot in group[1:]:
            continue
        together = group if slot in group else (slot,)
        order += [(name, i, shapes[name]) for i, shapes in enumerate(kept) for name in together if name in shapes]
    return order


def _scalars(optimizer: optimizers.Optimizer) -> list[str]:
    return ["iterations", "learning_rate"] if optimizer.schedule is None else ["iterations"]


def _trailer(optimizer: optimizers.Optimizer, step: int, dtype: Any) -> list[np.ndarray]:
    """What follows the slots."""
    if isinstance(optimizer, optimizers.Nadam):
        return [np.array(optimizer.momentum_product(step), dtype)]
    return []


def state_group(optimizer: optimizers.Optimizer, variables: Sequence[Variable]) -> Group:
    """The optimizer's variables as Keras writes them. Slots that are not there yet are as they start."""
    state, variables = optimizer.get_state(), optimizer.built_for or variables
    scalars = [np.array(state["iterations"], np.int32)]
    if optimizer.schedule is None:
        scalars.append(np.array(optimizer.learning_rate, np.float32))
    slots = []
    for slot, i, shape in _order(optimizer, variables):
        start = np.full(shape, optimizer.slot_start(slot), variables[i].dtype)
        slots.append(state[slot][i] if slot in state else start)
    trailer = _trailer(optimizer, optimizer.iterations, variables[0].dtype) if variables else []
    return Group(optimizer.name, [*scalars, *slots, *trailer])


def read_state(reader: WeightsReader, optimizer: optimizers.Optimizer, variables: Sequence[Variable]) -> None:
    """Let the optimizer go on where the file's left off. ModelFileError if what the file holds does not fit it."""
    found = reader.count(PATH)
    label = f"optimizer {optimizer.name!r}"
    if found == 0:
        return
    scalars = _scalars(optimizer)
    if optimizer.has_update_step:
        optimizer.build(variables)  # only then it says what it keeps
    wanted = _order(optimizer, variables)
    order = wanted if found > len(scalars) else []
    names = [*scalars, *(f"{slot} of {variables[i].path}" for slot, i, _ in order)]
    # What follows the slots is known from the count of batches.
    names += ["product of momenta" for _ in _trailer(optimizer, 0, np.float32)] if found > len(scalars) else []
    reader.check_count(PATH, label, names)
    iterations = int(reader.read(reader.claim(PATH, 0, label, (), "int32", "int64")))
    if iterations <= 0 or len(order) < len(wanted):
        return
    state: dict[str, Any] = {"iterations": iterations, **{slot: [None] * len(variables) for slot, _, _ in order}}
    for index, (slot, i, shape) in enumerate(order, len(scalars)):
        # Keras' Adafactor has integers where there are no rows and columns.
        placeholder = ["int32"] if shape == () != variables[i].shape else []
        dataset = reader.claim(PATH, index, label, shape, str(variables[i].dtype), *placeholder)
        state[slot][i] = reader.read(dataset)
    optimizer.set_state(state, variables)
