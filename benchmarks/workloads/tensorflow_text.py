"""Models of text in Keras with TensorFlow: `fit`, plain and compiled by XLA."""

from __future__ import annotations

from functools import partial

import numpy as np
from contest.tensorflow_side import keras, recurrent_layers, use_threads
from contest.terms import Terms
from contest.work import Work

from .text import EPSILON, LEARNING_RATE, TextTask, answer


def _build(task: TextTask, jit: bool) -> keras.Model:
    model = keras.Sequential(
        [
            keras.layers.Input(task.x.shape[1:], dtype="int32"),
            keras.layers.Embedding(task.vocabulary, task.stack.inputs),
            *recurrent_layers(task.stack, task.every_step),
            keras.layers.Dense(task.classes, activation="softmax"),
        ]
    )
    model.set_weights(task.weights())
    optimizer = keras.optimizers.Adam(LEARNING_RATE, epsilon=EPSILON)
    model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=jit)
    return model


def _fit(model: keras.Model, task: TextTask, x: np.ndarray, y: np.ndarray) -> float:
    history = model.fit(x, y, batch_size=task.stack.batch, epochs=1, shuffle=False, verbose=0)
    return history.history["loss"][0]


def _work(task: TextTask, variant: str, jit: bool) -> Work:
    model = _build(task, jit)

    def check() -> dict[str, np.ndarray]:
        fresh = _build(task, jit)
        loss = _fit(fresh, task, *task.first_batches())
        return answer(loss, fresh.predict(task.x[: task.stack.batch], verbose=0))

    return Work(lambda: _fit(model, task, task.x, task.y), check, variant=variant)


def _epoch(task: TextTask, terms: Terms, jit: bool) -> float:
    use_threads(terms.threads)
    return _fit(_build(task, jit), task, task.x, task.y)


# Ways to train a new model for an epoch, which give its mean loss.
EPOCHS = {"fit": partial(_epoch, jit=False), "fit, XLA": partial(_epoch, jit=True)}


def works(task: TextTask, mode: str, terms: Terms) -> list[Work]:
    """It trains; a model that writes takes a network of its own in Keras."""
    if mode != "train":
        return []
    use_threads(terms.threads)
    return [_work(task, "fit", False), _work(task, "fit, XLA", True)]
