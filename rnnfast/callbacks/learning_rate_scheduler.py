"""A learning rate per epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from rnnfast import _arguments
from rnnfast.callbacks.base import Callback, Logs
from rnnfast.callbacks.monitor import say


class LearningRateScheduler(Callback):
    """Set the learning rate before each epoch to `schedule(epoch, rate)`, rate being the one of before; or to
    `schedule(epoch)`, if it takes one argument. verbose: 1 prints it. The logs get `learning_rate`.

    >>> import rnnfast
    >>> halving = rnnfast.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise TypeError(f"LearningRateScheduler: schedule must be a function, got {schedule!r}")
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        given = (epoch, float(optimizer.learning_rate))[: _arguments_taken(self.schedule)]
        rate = self.schedule(*given)
        optimizer.learning_rate = _arguments.number("LearningRateScheduler: what schedule returns", rate)
        say(f"\nEpoch {epoch + 1}: learning rate set to {float(rate):g}.", self.verbose)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def _arguments_taken(function: Callable[..., float]) -> int:
    """One or two: as many as can be given by position."""
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return 1
    except ValueError:  # written in C, and without a signature
        return 2
    return 2
