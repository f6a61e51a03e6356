"""Passes over data outside of training: scores, and outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.callbacks import CallbackList
from rnnfast.data.epochs import Epochs
from rnnfast.models.scores import Scores


def measure(model: Any, scores: Scores, data: Epochs, hooks: CallbackList) -> dict[str, float]:
    """Loss and metrics on one epoch of the data."""
    scores.reset()
    data.restart()
    hooks.on_test_begin()
    run: Any = None
    for i, batch in enumerate(data.epoch()):
        hooks.on_test_batch_begin(i)
        model.clear_losses()
        if run is None:  # only now, for the first batch may build the model
            run = model.predictor.function(model, for_scores=True)
        outputs, masks = run(batch.x)
        values = scores.values(batch, outputs, masks)
        scores.update(batch, outputs, masks, values, scores.total(values) + sum(model.losses))
        if hooks.listeners("on_test_batch_end"):
            hooks.on_test_batch_end(i, scores.results())
    logs = scores.results()
    hooks.on_test_end(logs)
    return logs


def predict(model: Any, data: Epochs, hooks: CallbackList) -> list[np.ndarray]:
    """The outputs for one epoch of the data, one array each."""
    model.clear_losses()
    hooks.on_predict_begin()
    parts = []
    run: Any = None
    for i, batch in enumerate(data.epoch()):
        hooks.on_predict_batch_begin(i)
        if run is None:
            run = model.predictor.function(model)
        parts.append(run(batch.x)[0])
        model.clear_losses()
        if hooks.listeners("on_predict_batch_end"):
            hooks.on_predict_batch_end(i, {"outputs": model.pack_outputs(parts[-1])})
    hooks.on_predict_end()
    return [part[0] if len(part) == 1 else np.concatenate(part) for part in zip(*parts, strict=True)]
