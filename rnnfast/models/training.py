"""The training loop: epochs of updates, validations after them, callbacks around both."""

from __future__ import annotations

import math
from typing import Any

from rnnfast._warnings import warn_caller
from rnnfast.callbacks import CallbackList
from rnnfast.data.epochs import Epochs
from rnnfast.models.measuring import measure
from rnnfast.models.scores import Scores
from rnnfast.models.step import train_step
from rnnfast.models.truncation import pieces
from rnnfast.models.validation import Validation
from rnnfast.optimizers import NonFiniteError


def train(
    model: Any,
    scores: Scores,
    data: Epochs,
    validation: Validation | None,
    hooks: CallbackList,
    epochs: range,
    tbptt: int | None,
) -> None:
    """What `Model.fit` does once its arguments are checked. epochs: which to train for, where no callback goes on from
    another place."""
    model.stop_training = False
    logs: dict[str, float] = {}
    hooks.on_train_begin()
    first_epoch, done = hooks.resume() or (epochs.start, 0)
    for epoch in range(first_epoch, 0 if model.stop_training else epochs.stop):
        earlier = done if epoch == first_epoch else 0
        if epoch > epochs.start and not earlier and not data.has_more():
            warn_caller(
                f"fit: x has come to its end after epoch {epoch} of {epochs.stop}, and training with it; give data "
                "that can be begun anew, or steps_per_epoch"
            )
            break
        hooks.on_epoch_begin(epoch)
        logs = _epoch(model, scores, epoch, data, hooks, tbptt, earlier)
        if validation is not None and validation.due(epoch):
            measured = measure(model, scores, validation.data, hooks)
            logs |= {f"val_{name}": value for name, value in measured.items()}
        hooks.on_epoch_end(epoch, dict(logs))  # callbacks add to it
        if model.stop_training:
            break
    if epochs.stop > 0:
        model.optimizer.finalize_variable_values(model.trainable_weights)
    hooks.on_train_end(logs)


def _epoch(
    model: Any, scores: Scores, epoch: int, data: Epochs, hooks: CallbackList, tbptt: int | None, done: int
) -> dict[str, float]:
    """One pass over the data. done: batches that an earlier run has trained on."""
    scores.reset()
    batches = data.epoch(done)
    if done:
        hooks.resumed()
    for i, batch in enumerate(batches, done):
        hooks.on_train_batch_begin(i)
        try:
            for piece in (batch,) if tbptt is None else pieces(model, scores, batch, tbptt):
                train_step(model, scores, model.optimizer, piece)
        except NonFiniteError as error:
            error = NonFiniteError(f"fit: epoch {epoch + 1}, batch {i + 1}: {error}")
            if not hooks.survives(i, error):
                raise error from None
            return scores.results() | {"loss": math.nan}
        if hooks.listeners("on_train_batch_end"):
            hooks.on_train_batch_end(i, scores.results())
        if model.stop_training:
            break
    return scores.results()
