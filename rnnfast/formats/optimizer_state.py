"""An optimizer's step count and slots in the weights file of a `.keras` archive.

Keras keeps them as one list of variables: iterations, learning rate, then the slots, one array per trainable variable
each. Adam's two slots alternate variable by variable; the slots of the others follow one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnfast import optimizers
from rnnfast.formats.h5_weights import Group, WeightsReader
from rnnfast.variable import Variable

PATH = "optimizer"
_SCALARS = 2  # iterations and learning rate


def _order(optimizer: optimizers.Optimizer, count: int) -> list[tuple[str, int]]:
    """(slot, index of the variable) in Keras' order."""
    if isinstance(optimizer, optimizers.Adam):
        return [(slot, i) for i in range(count) for slot in optimizer.slot_names]
    return [(slot, i) for slot in optimizer.slot_names for i in range(count)]


def state_group(optimizer: optimizers.Optimizer, variables: Sequence[Variable]) -> Group:
    """The optimizer's variables as Keras writes them. Slots that are not there yet, before its first step, are zero."""
    state = optimizer.get_state()
    scalars = [np.array(state["iterations"], np.int32), np.array(optimizer.learning_rate, np.float32)]
    zeros = [np.zeros(v.shape, v.dtype) for v in variables]
    slots = [(state.get(slot) or zeros)[i] for slot, i in _order(optimizer, len(variables))]
    return Group(optimizer.name, [*scalars, *slots])


def read_state(reader: WeightsReader, optimizer: optimizers.Optimizer, variables: Sequence[Variable]) -> None:
    """Let the optimizer go on where the file's left off. ModelFileError if what the file holds does not fit it."""
    found = reader.count(PATH)
    label = f"optimizer {optimizer.name!r}"
    if found == 0:
        return
    order = _order(optimizer, len(variables)) if found > _SCALARS else []
    names = ["iterations", "learning_rate", *(f"{slot} of {variables[i].path}" for slot, i in order)]
    reader.check_count(PATH, label, names)
    iterations = int(reader.read(reader.claim(PATH, 0, label, (), "int32", "int64")))
    if iterations <= 0 or not order:
        return
    state: dict[str, Any] = {"iterations": iterations, **{slot: [] for slot, _ in order}}
    for index, (slot, i) in enumerate(order, _SCALARS):
        dataset = reader.claim(PATH, index, label, variables[i].shape, str(variables[i].dtype))
        state[slot].append(reader.read(dataset))
    optimizer.set_state(state, variables)
