"""Models of text in rnnfast: `fit`, and a stream that writes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from contest.rnnfast_side import engine_of, recurrent_layers
from contest.terms import Terms
from contest.work import Work

import rnnfast

from .text import EPSILON, LEARNING_RATE, TextTask, answer, write_work


def _build(task: TextTask) -> rnnfast.Sequential:
    layers = rnnfast.layers
    model = rnnfast.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(task.vocabulary, task.stack.inputs),
            *recurrent_layers(task.stack, task.every_step),
            layers.Dense(task.classes, activation="softmax"),
        ]
    )
    model.set_weights(task.weights())
    optimizer = rnnfast.optimizers.Adam(LEARNING_RATE, epsilon=EPSILON)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def _fit(model: rnnfast.Sequential, task: TextTask, x: np.ndarray, y: np.ndarray) -> float:
    history = model.fit(x, y, batch_size=task.stack.batch, epochs=1, shuffle=False, verbose=0)
    return history.history["loss"][0]


def _train(task: TextTask, terms: Terms) -> list[Work]:
    rnnfast.set_num_threads(terms.threads)
    model = _build(task)

    def check() -> dict[str, np.ndarray]:
        fresh = _build(task)
        loss = _fit(fresh, task, *task.first_batches())
        return answer(loss, fresh.predict(task.x[: task.stack.batch], verbose=0))

    return [Work(lambda: _fit(model, task, task.x, task.y), check, variant="fit")]


def _epoch(task: TextTask, terms: Terms) -> float:
    rnnfast.set_num_threads(terms.threads)
    return _fit(_build(task), task, task.x, task.y)


# Ways to train a new model for an epoch, which give its mean loss.
EPOCHS = {"fit": _epoch}


def _write(task: TextTask, terms: Terms) -> list[Work]:
    engine = engine_of(_build(task), terms)

    def open_writer() -> Callable[[int], np.ndarray]:
        step = engine.stream().step
        return lambda token: step(np.array([token]))[0]

    return [write_work(task, open_writer, "stream")]


_MODES = {"train": _train, "write": _write}


def works(task: TextTask, mode: str, terms: Terms) -> list[Work]:
    return _MODES[mode](task, terms)
