"""Several callbacks as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rnnfast.callbacks.base import Callback


class CallbackList(Callback):
    """Several callbacks as one: each hook calls theirs in order."""

    def __init__(self, callbacks: Iterable[Callback] | Callback | None, model: Any, **params: Any) -> None:
        if callbacks is None:
            callbacks = []
        self.callbacks = [callbacks] if isinstance(callbacks, Callback) else list(callbacks)
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(f"callbacks must be rnnfast.callbacks.Callback instances, got {callback!r}")
            callback.set_model(model)
            callback.set_params(params)


def _fan_out(hook: str) -> Any:
    def call(self: CallbackList, *args: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(*args)

    return call


for _hook in [name for name in vars(Callback) if name.startswith("on_")]:
    setattr(CallbackList, _hook, _fan_out(_hook))
