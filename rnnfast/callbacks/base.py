"""What every callback has: Keras' hooks, which do nothing."""

from __future__ import annotations

from collections.abc import Sequence
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
    group: Sequence[Callback] = ()  # all callbacks of the call, this one included, in the order in which they run
    data: Sequence[Any] = ()  # `Epochs`: what `fit` trains on, and what it validates on
    runs_last = False  # after those of the others, whatever the order in which they were given
    state_names: tuple[str, ...] = ()  # attributes that a run that goes on later needs: numbers, texts, arrays, lists

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

    # Beyond Keras' hooks

    def resume(self) -> tuple[int, int] | None:
        """Called once after `on_train_begin`: the epoch and the batch, both from 0, at which `fit` is to go on."""
        return None

    def resumed(self) -> None:
        """Called when `fit` has left out what comes before that batch in its epoch; not if it is the first one."""

    def survives(self, batch: int, error: ValueError) -> bool:
        """The loss or a gradient of a training batch is not finite. True: let the epoch end here, False: raise."""
        return False
