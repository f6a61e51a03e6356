"""One step of training: forward with a tape, the losses and their gradients, backward along the tape, one update."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rnnfast import regularizers
from rnnfast.data.batch import Batch
from rnnfast.models.interrupts import Uninterrupted
from rnnfast.models.network import Network
from rnnfast.models.scores import Scores
from rnnfast.optimizers import NonFiniteError


def train_step(model: Network, scores: Scores, optimizer: Any, batch: Batch) -> None:
    """Train on one batch, and add it to the scores. NonFiniteError: the loss or a gradient is not finite; states and
    moving averages are then as they were."""
    memories = model.memories()
    try:
        _train(model, scores, optimizer, batch)
    except NonFiniteError:
        for bring_back in memories:
            bring_back()
        raise


def _train(model: Network, scores: Scores, optimizer: Any, batch: Batch) -> None:
    model.clear_losses()
    outputs, masks, tape = model.run(batch.x, [None] * len(batch.x), training=True)
    slopes = scores.slopes(batch, outputs, masks, model.output_activations)
    values = [slope.value for slope in slopes]
    variables = model.trainable_weights
    total = scores.total(values) + sum(model.losses_with(variables))
    if not math.isfinite(total):
        _blame(optimizer, batch, total, scores.broken_losses(values, outputs))
    if broken := scores.broken_slopes(slopes):
        raise NonFiniteError(f"the gradient of loss {broken!r} is not finite; weights unchanged")
    scores.update(batch, outputs, masks, values, total)
    for variable in model.weights:
        variable.gradient = None
    model.backward_run([slope.gradient for slope in slopes], tape, [slope.at_logits for slope in slopes])
    regularizers.add_gradients(variables)
    if variables:
        with Uninterrupted():
            optimizer.apply(variables)


def _blame(optimizer: Any, batch: Batch, value: float, broken: str) -> None:
    """The loss is not finite: say whose fault it is. If it is the last update's, undo that. broken: what is known of
    losses of the user's own."""
    for name, array in batch.named():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise NonFiniteError(f"the loss is {value}: {name} holds values that are not finite; weights unchanged")
    if not optimizer.undo():
        raise NonFiniteError(
            f"the loss is {value} before the first update of these weights, which are unchanged: "
            f"x, y or the weights are too large{broken}"
        )
    raise NonFiniteError(
        f"the loss is {value}; the last update has been undone. A smaller learning_rate "
        f"(it is {optimizer.learning_rate:g}) or clipnorm=1.0 often helps{broken}"
    )
