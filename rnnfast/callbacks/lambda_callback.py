"""Functions as a callback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rnnfast._registry import unknown_name
from rnnfast.callbacks.base import Callback


class LambdaCallback(Callback):
    """A callback whose hooks are the functions given by keyword, with the arguments of `Callback`'s hooks.

    >>> import rnnfast
    >>> losses = []
    >>> keep = rnnfast.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: losses.append(logs["loss"]))
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **hooks: Callable[..., Any] | None,
    ) -> None:
        known = [name for name in dir(Callback) if name.startswith("on_")]
        hooks |= {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, function in hooks.items():
            if name not in known:
                raise unknown_name("hook of LambdaCallback:", name, known)
            if function is not None:
                if not callable(function):
                    raise TypeError(f"LambdaCallback: {name} must be a function, got {function!r}")
                setattr(self, name, function)
