"""Several callbacks as one."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from rnnfast.callbacks.base import Callback

_HOOKS = [name for name in vars(Callback) if name.startswith("on_")]
_OLDER_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class CallbackList(Callback):
    """Each hook calls those of the callbacks, in the order given; the ones that run last come last. Of batches there
    are many: their hooks call only the callbacks that define them."""

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
        self._listeners: dict[str, list[Callback]] = {}

    def listeners(self, hook: str) -> list[Callback]:
        """The callbacks that define this hook of batches, and may look at what it is given."""
        if hook not in self._listeners:
            self._listeners[hook] = [callback for callback in self.callbacks if _defines(callback, hook)]
        return self._listeners[hook]

    def resume(self) -> tuple[int, int] | None:
        """Where the first callback that has something to say wants to go on."""
        return next((place for place in (callback.resume() for callback in self.callbacks) if place is not None), None)

    def resumed(self) -> None:
        for callback in self.callbacks:
            callback.resumed()

    def survives(self, batch: int, error: ValueError) -> bool:
        return any([callback.survives(batch, error) for callback in self.callbacks])


def _defines(callback: Callback, hook: str) -> bool:
    """Whether the hook does anything; the one of a batch in training may do so by its older name."""
    names = [hook, _OLDER_NAMES.get(hook, hook)]
    return any(getattr(getattr(callback, name), "__func__", None) is not getattr(Callback, name) for name in names)


def _fan_out(hook: str) -> Any:
    of_batches = "batch" in hook
    arguments = len(inspect.signature(getattr(Callback, hook)).parameters) - 1

    def call(self: CallbackList, *args: Any) -> None:
        given = args if len(args) == arguments else (*args, {})  # logs, where there is nothing to say
        for callback in self.listeners(hook) if of_batches else self.callbacks:
            getattr(callback, hook)(*given)

    return call


for _hook in _HOOKS:
    setattr(CallbackList, _hook, _fan_out(_hook))
