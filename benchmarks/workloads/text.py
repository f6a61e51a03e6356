"""Models of text: Embedding, a stack of recurrent layers, Dense with softmax; trained with Adam, or writing on."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from contest import case as cases
from contest.case import Case
from contest.terms import Terms
from contest.work import Work

LEARNING_RATE = 1e-3
EPSILON = 1e-7  # Adam's, as in Keras
# After a few steps, relative to the largest magnitude. Adam gives a weight of next to no gradient a full step, so it
# makes differences in rounding large; and PyTorch adds epsilon after the correction of the moments, Keras before it.
TOLERANCE = 1e-2
_CONTESTANTS = ("rnnfast", "torch", "tensorflow")  # who train, and have a file here
_CHECKED_BATCHES = 3
_WRITTEN = 100  # characters that one run writes


@dataclass(frozen=True)
class TextTask:
    """A model of text and what it is trained on."""

    name: str
    stack: Case  # its inputs are the width of the embedding; its batch that of training
    vocabulary: int
    every_step: bool  # whether the model answers at every step or once, behind the last
    classes: int
    x: np.ndarray  # tokens (rows, steps)
    y: np.ndarray  # classes (rows,), or (rows, steps)

    def works(self, contestant: str, mode: str, terms: Terms) -> list[Work]:
        """mode: "train", a run is an epoch; or "write", a run is a hundred characters, each fed from the one before."""
        if contestant not in _CONTESTANTS:
            return []
        return importlib.import_module(f"{__package__}.{contestant}_text").works(self, mode, terms)

    def weights(self) -> list[np.ndarray]:
        """float32, in the order of Keras' `get_weights`."""
        rng = np.random.default_rng(0)

        def draw(*shape: int) -> np.ndarray:
            return (2 * rng.random(shape, dtype=np.float32) - 1) * np.float32(0.05)

        stack = cases.flat_weights(self.stack)
        embedding = draw(self.vocabulary, self.stack.inputs)
        return [embedding, *stack, draw(self.stack.width, self.classes), draw(self.classes)]

    def first_batches(self) -> tuple[np.ndarray, np.ndarray]:
        """What the answers are checked on."""
        rows = _CHECKED_BATCHES * self.stack.batch
        return self.x[:rows], self.y[:rows]


def answer(loss: float, prediction: np.ndarray) -> dict[str, np.ndarray]:
    """What everybody answers after training on the first batches: the epoch's loss, the first batch's prediction."""
    return {"loss": np.array([loss]), "prediction": np.asarray(prediction)}


def write_work(
    task: TextTask,
    open_writer: Callable[[], Callable[[int], np.ndarray]],
    variant: str,
    context: Callable[[], AbstractContextManager] = nullcontext,
    prepare: Callable[[], object] = lambda: None,
) -> Work:
    """A Work that writes, always the likeliest character.

    A writer takes a token and gives the probabilities (classes,) of the next. For the answer it is fed real text, so
    that a character that is nearly as likely as another does not lead two contestants apart.
    """
    start, *text = task.x[0].tolist()

    def run() -> None:
        with context():
            write, token = open_writer(), start
            for _ in range(_WRITTEN):
                token = int(write(token).argmax())

    def check() -> dict[str, np.ndarray]:
        with context():
            write = open_writer()
            return {"probabilities": np.stack([write(token).copy() for token in text])}

    return Work(run, check, _WRITTEN, variant, prepare)
