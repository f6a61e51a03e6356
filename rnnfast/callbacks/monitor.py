"""What callbacks share that follow one number of the logs and know which way is better."""

from __future__ import annotations

import warnings
from typing import Any

from rnnfast import _arguments, metrics
from rnnfast.callbacks.base import Callback, Logs

_MODES = ("auto", "min", "max")


class MonitorCallback(Callback):
    """monitor: a name in the logs. mode: "min" or "max", what is better; "auto" asks the metric of that name, or takes
    less of a loss. min_delta: what an improvement must exceed."""

    state_names: tuple[str, ...] = ("best",)

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None, min_delta: float = 0.0
    ) -> None:
        kind = type(self).__name__
        if mode not in _MODES:
            raise ValueError(f"{kind}: mode must be one of {', '.join(map(repr, _MODES))}, got {mode!r}")
        if not isinstance(monitor, str):
            raise TypeError(f"{kind}: monitor must be the name of a number in the logs, got {monitor!r}")
        self.monitor, self.mode = monitor, mode
        self.min_delta = abs(_arguments.number(f"{kind}: min_delta", min_delta))
        self.best = baseline

    @property
    def more_is_better(self) -> bool:
        """ValueError: mode is "auto", and the name does not say."""
        if self.mode != "auto":
            return self.mode == "max"
        direction = metrics.direction_of(self.monitor.removeprefix("val_"), getattr(self.model, "metrics", ()))
        if direction is None:
            raise ValueError(
                f"{type(self).__name__}: whether more or less of {self.monitor!r} is better is not known; give "
                "mode='max' or mode='min'"
            )
        return direction == "up"

    def is_improvement(self, value: float, reference: float | None) -> bool:
        if reference is None:
            return True
        return value - self.min_delta > reference if self.more_is_better else value + self.min_delta < reference

    def monitored(self, logs: Logs | None) -> Any:
        """The number that is followed, or None with a UserWarning if the logs do not have it."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            available = ", ".join(logs or {})
            message = f"{type(self).__name__}: there is no {self.monitor!r} in the logs, which have: {available}"
            warnings.warn(message, stacklevel=3)
        return value


def say(message: str, verbose: int) -> None:
    """Print what a callback does, if it is to."""
    if verbose > 0:
        print(message, flush=True)
