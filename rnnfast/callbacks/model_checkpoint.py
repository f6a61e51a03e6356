"""The model in a file, again and again."""

from __future__ import annotations

import os

from rnnfast import _arguments
from rnnfast.callbacks.base import Logs
from rnnfast.callbacks.monitor import MonitorCallback, say


class ModelCheckpoint(MonitorCallback):
    """Save the model after every epoch, or every so many batches.

    filepath: ends in `.keras`, or, with save_weights_only, in `.weights.h5`. `{epoch}` (from 1), `{batch}` (from 1, if
    save_freq is a number) and the names of the logs are filled in: "model-{epoch:02d}-{val_loss:.3f}.keras". Its folder
    is made if it is not there. save_best_only: only when `monitor` is better than ever before; mode: as in
    `EarlyStopping`; initial_value_threshold: what it must be better than at first. save_freq: "epoch" or a number of
    batches. verbose: 1 prints what is done.

    >>> import rnnfast
    >>> keep = rnnfast.callbacks.ModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True)
    """

    state_names = ("best", "_batches")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        ending = ".weights.h5" if save_weights_only else ".keras"
        if not self.filepath.endswith(ending):
            raise ValueError(f"ModelCheckpoint: filepath must end in {ending!r}, got {self.filepath!r}")
        self.save_freq = check_save_freq("ModelCheckpoint", save_freq)
        self.verbose, self.save_best_only, self.save_weights_only = verbose, save_best_only, save_weights_only
        self._batches = 0  # since the last time
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        if self._batches == self.save_freq:
            self._batches = 0
            self._save(logs or {}, batch=batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(logs or {})

    def _save(self, logs: Logs, **place: int) -> None:
        place["epoch"] = self._epoch + 1
        try:
            path = self.filepath.format(**{**place, **logs})
        except KeyError as error:
            available = ", ".join([*place, *logs])
            raise ValueError(f"ModelCheckpoint: filepath names {error}, there are: {available}") from None
        if self.save_best_only and not self._is_best(logs):
            say(f"\nEpoch {self._epoch + 1}: {self.monitor} is not better than {self.best}.", self.verbose)
            return
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        say(f"\nEpoch {self._epoch + 1}: saving to {path}", self.verbose)
        (self.model.save_weights if self.save_weights_only else self.model.save)(path, overwrite=True)

    def _is_best(self, logs: Logs) -> bool:
        current = self.monitored(logs)
        if current is None:  # as in Keras: rather one file too many
            return True
        better = self.is_improvement(current, self.best)
        if better:
            self.best = current
        return better


def check_save_freq(kind: str, value: str | int) -> str | int:
    """The argument save_freq: "epoch" or a number of batches."""
    return value if value == "epoch" else _arguments.whole_number(f"{kind}: save_freq, unless it is 'epoch',", value)
