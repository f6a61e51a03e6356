"""Callbacks: objects that `fit`, `evaluate` and `predict` tell where they are, with Keras' hook names."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any

Logs = dict[str, float]


class Callback:
    """Base class: override the hooks you want. `self.model` and `self.params` are set before the first hook.

    `model.stop_training = True` ends `fit` after the epoch.

    >>> class Print(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, sorted(logs))
    """

    model: Any = None
    params: dict[str, Any]

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self.model = model

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, with its logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch, with its means and, with validation data, the `val_` ones."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a training batch, counted from 0 in its epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a training batch, with the means so far in the epoch."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before `evaluate`, and before each validation in `fit`."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After it, with its means."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `evaluate`."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After it, with the means so far."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After it."""


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


class History(Callback):
    """What `fit` returns. `history`: per name (`loss`, `accuracy`, `val_loss`, ...) a list with one value per epoch;
    `epoch`: their numbers, from 0."""

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []
        self.history = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class ProgressBar(Callback):
    """What `verbose` shows of `fit` and `evaluate`: 1 a bar per epoch (tqdm), 2 a line per epoch."""

    def __init__(self, verbose: int) -> None:
        self.verbose = verbose
        self._bar: Any = None
        self._start = 0.0
        self._steps = 0
        self._in_fit = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._in_fit = True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        print(f"Epoch {epoch + 1}/{self.params['epochs']}", flush=True)
        self._open()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._step(logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._open()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._step(logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._finish(logs)

    def close(self) -> None:
        """Leave the line as it is, after an error."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _open(self) -> None:
        self._start, self._steps = time.perf_counter(), 0
        if self.verbose == 1:
            from tqdm import tqdm

            self._bar = tqdm(
                total=self.params["steps"],
                file=sys.stdout,
                ascii=" ━",
                bar_format="{n_fmt}/{total_fmt} {bar:20} {elapsed}{postfix}",
            )

    def _step(self, logs: Logs | None) -> None:
        self._steps += 1
        # update() is true when tqdm has just drawn: text is made only as often as it is seen.
        if self._bar is not None and self._bar.update():
            self._bar.set_postfix_str(self._text(logs), refresh=False)

    def _finish(self, logs: Logs | None) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(self._text(logs))
            self.close()
        else:
            seconds = time.perf_counter() - self._start
            print(f"{self._steps}/{self.params['steps']} - {seconds:.0f}s - {self._text(logs)}", flush=True)

    def _text(self, logs: Logs | None) -> str:
        per_step = (time.perf_counter() - self._start) / max(1, self._steps)
        duration = f"{per_step:.0f}s" if per_step >= 1 else f"{per_step * 1e3:.0f}ms"
        if per_step < 1e-3:
            duration = f"{per_step * 1e6:.0f}us"
        return " - ".join([f"{duration}/step", *(f"{k}: {_number(v)}" for k, v in (logs or {}).items())])


def _number(value: float) -> str:
    return f"{value:.4f}" if value == 0 or abs(value) >= 1e-3 else f"{value:.4e}"
