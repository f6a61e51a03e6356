"""Smaller steps when a number no longer gets better."""

from __future__ import annotations

from rnnfast import _arguments
from rnnfast.callbacks.base import Logs
from rnnfast.callbacks.monitor import MonitorCallback, say


class ReduceLROnPlateau(MonitorCallback):
    """Multiply the learning rate by `factor` after `patience` epochs without an improvement of `monitor`.

    cooldown: epochs after that in which nothing is counted. min_lr: the rate never goes below. min_delta, mode,
    verbose: as in `EarlyStopping`. The logs get `learning_rate`.

    >>> import rnnfast
    >>> slower = rnnfast.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=3, min_lr=1e-5)
    """

    state_names = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.factor = _arguments.number("ReduceLROnPlateau: factor", factor)
        if not 0 <= self.factor < 1:
            raise ValueError(f"ReduceLROnPlateau: factor must be a number from 0 to below 1, got {factor!r}")
        self.patience = _arguments.whole_number("ReduceLROnPlateau: patience", patience, least=0)
        self.cooldown = _arguments.whole_number("ReduceLROnPlateau: cooldown", cooldown, least=0)
        self.min_lr = _arguments.number("ReduceLROnPlateau: min_lr", min_lr)
        self.verbose = verbose
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.best = None
        self.wait = self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        current = self.monitored(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
        if self.is_improvement(current, self.best):
            self.best, self.wait = current, 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        optimizer = self.model.optimizer
        rate = float(optimizer.learning_rate)
        if rate > self.min_lr:
            optimizer.learning_rate = max(rate * self.factor, self.min_lr)
            say(f"\nEpoch {epoch + 1}: learning rate reduced to {optimizer.learning_rate:g}.", self.verbose)
            self.cooldown_counter, self.wait = self.cooldown, 0
