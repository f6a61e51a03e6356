"""An optimizer's step count and slots in the weights file of a `.keras` archive.

Keras keeps them as one list of variables: the count of batches, the learning rate (unless it follows a schedule), then
the slots, one array per trainable variable each: those of the options, then those of the rule, of which the first two
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


def _order(optimizer: optimizers.Optimizer, count: int) -> list[tuple[str, int]]:
    """(slot, index of the variable) in Keras' order."""
    pair = optimizer.slot_names[:2] if optimizer.alternating else ()
    order: list[tuple[str, int]] = []
    for slot in optimizer.state_slots:
        if slot in pair[1:]:
            continue
        together = pair if slot in pair else (slot,)
        order += [(name, i) for i in range(count) for name in together]
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
    state = optimizer.get_state()
    scalars = [np.array(state["iterations"], np.int32)]
    if optimizer.schedule is None:
        scalars.append(np.array(optimizer.learning_rate, np.float32))
    slots = []
    for slot, i in _order(optimizer, len(variables)):
        v = variables[i]
        slots.append(state[slot][i] if slot in state else np.full(v.shape, optimizer.slot_start(slot), v.dtype))
    trailer = _trailer(optimizer, optimizer.iterations, variables[0].dtype) if variables else []
    return Group(optimizer.name, [*scalars, *slots, *trailer])


def read_state(reader: WeightsReader, optimizer: optimizers.Optimizer, variables: Sequence[Variable]) -> None:
    """Let the optimizer go on where the file's left off. ModelFileError if what the file holds does not fit it."""
    found = reader.count(PATH)
    label = f"optimizer {optimizer.name!r}"
    if found == 0:
        return
    scalars = _scalars(optimizer)
    wanted = _order(optimizer, len(variables))
    order = wanted if found > len(scalars) else []
    names = [*scalars, *(f"{slot} of {variables[i].path}" for slot, i in order)]
    # What follows the slots is known from the count of batches.
    names += ["product of momenta" for _ in _trailer(optimizer, 0, np.float32)] if found > len(scalars) else []
    reader.check_count(PATH, label, names)
    iterations = int(reader.read(reader.claim(PATH, 0, label, (), "int32", "int64")))
    if iterations <= 0 or len(order) < len(wanted):
        return
    state: dict[str, Any] = {"iterations": iterations, **{slot: [] for slot, _ in order}}
    for index, (slot, i) in enumerate(order, len(scalars)):
        dataset = reader.claim(PATH, index, label, variables[i].shape, str(variables[i].dtype))
        state[slot].append(reader.read(dataset))
    optimizer.set_state(state, variables)
