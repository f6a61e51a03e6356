"""Several callbacks as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rnnfast.callbacks.base import Callback


class CallbackList(Callback):
    """Each hook calls those of the callbacks, in the order given; the ones that run last come last."""

    def __init__(
        self, callbacks: Iterable[Callback] | Callback | None, model: Any, data: Any = (), **params: Any
    ) -> None:
        if callbacks is None:
            callbacks = []
        given = [callbacks] if isinstance(callbacks, Callback) else list(callbacks)
        for callback in given:
            if not isinstance(callback, Callback):
                raise TypeError(f"callbacks must be rnnfast.callbacks.Callback instances, got {callback!r}")
        self.callbacks = sorted(given, key=lambda callback: callback.runs_last)
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)
            callback.group, callback.data = self.callbacks, data

    def resume(self) -> tuple[int, int] | None:
        """Where the first callback that has something to say wants to go on."""
        return next((place for place in (callback.resume() for callback in self.callbacks) if place is not None), None)

    def resumed(self) -> None:
        for callback in self.callbacks:
            callback.resumed()

    def survives(self, batch: int, error: ValueError) -> bool:
        return any([callback.survives(batch, error) for callback in self.callbacks])


def _fan_out(hook: str) -> Any:
    def call(self: CallbackList, *args: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(*args)

    return call


for _hook in [name for name in vars(Callback) if name.startswith("on_") and name not in vars(CallbackList)]:
    setattr(CallbackList, _hook, _fan_out(_hook))
