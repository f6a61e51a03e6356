"""End training when a number no longer gets better."""

from __future__ import annotations

from typing import Any

from rnnfast import _arguments
from rnnfast.callbacks.base import Logs
from rnnfast.callbacks.monitor import MonitorCallback, say


class EarlyStopping(MonitorCallback):
    """End training after `patience` epochs without an improvement of `monitor` by more than `min_delta`.

    mode: "min", "max" or "auto". baseline: what the number must be better than for the waiting to begin anew.
    restore_best_weights: end with the weights of the best epoch. start_from_epoch: epochs before it do not count.
    verbose: 1 prints what is done.

    >>> import rnnfast
    >>> stop = rnnfast.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    """

    state_names = ("best", "wait", "best_weights", "best_epoch")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = _arguments.whole_number("EarlyStopping: patience", patience, least=0)
        self.start_from_epoch = _arguments.whole_number("EarlyStopping: start_from_epoch", start_from_epoch, least=0)
        self.verbose, self.baseline, self.restore_best_weights = verbose, baseline, restore_best_weights
        self._forget()

    def _forget(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best: float | None = None
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._forget()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self.monitored(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.is_improvement(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch > 0:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping", self.verbose)
        if self.best_weights is not None:
            say(f"Restoring the weights of the best epoch, {self.best_epoch + 1}.", self.verbose)
            self.model.set_weights(self.best_weights)
