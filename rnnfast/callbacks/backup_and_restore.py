"""Training that goes on where a killed run left off."""

from __future__ import annotations

import os
import shutil
from typing import Any

from rnnfast.callbacks import training_state
from rnnfast.callbacks.base import Callback, Logs
from rnnfast.callbacks.model_checkpoint import check_save_freq


class BackupAndRestore(Callback):
    """Save the state of training to `backup_dir`; if there is one when `fit` begins, go on from it.

    A program that is killed at any moment and started again ends with the weights, bit for bit, of a run that was not
    killed, if it builds the same model and gives `fit` the same data and callbacks, and its data comes in the same
    order whenever it is begun anew. Saved are weights, optimizer, epoch and batch, what metrics have counted, all
    random streams (shuffling, dropout), and what the other callbacks name in `state_names`. The file is replaced in
    one step.

    backup_dir: a folder of the run's own; made if it is not there. save_freq: "epoch" (default) or a number of batches.
    double_checkpoint: keep the last but one as well, and take it if the last is damaged. delete_checkpoint: remove the
    files when `fit` has come to its end (default).

    >>> import rnnfast
    >>> backup = rnnfast.callbacks.BackupAndRestore("backup", save_freq=100)
    """

    runs_last = True  # what is saved is what the other callbacks have left
    state_names = ("_batches",)

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        if not backup_dir:
            raise ValueError(f"BackupAndRestore: backup_dir must name a folder, got {backup_dir!r}")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = check_save_freq("BackupAndRestore", save_freq)
        self.double_checkpoint, self.delete_checkpoint = bool(double_checkpoint), bool(delete_checkpoint)
        self.path = os.path.join(self.backup_dir, "training_state.npz")
        self._previous = f"{self.path}.bkp"
        self._batches = 0  # since the last time
        self._epoch = 0
        self._resumed: dict[str, Any] | None = None  # the state of a batch that is still to come

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._batches = 0
        self._resumed = None

    def resume(self) -> tuple[int, int] | None:
        state = self._read()
        if state is None:
            return None
        self._restore(state)
        for data, position in zip(self.data, state["data"], strict=False):
            data.go_on(position)
        if state["batch"]:
            self._resumed = state
        return state["epoch"], state["batch"]

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def resumed(self) -> None:
        if self._resumed is not None:  # once more, for the other callbacks have been told that the epoch begins
            self._restore(self._resumed)
            self._resumed = None

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        if self._batches == self.save_freq:
            self._batches = 0
            self._save(self._epoch, batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch + 1, 0)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.delete_checkpoint and os.path.isdir(self.backup_dir):
            for path in (self.path, self._previous):
                if os.path.exists(path):
                    os.remove(path)
            if not os.listdir(self.backup_dir):
                os.rmdir(self.backup_dir)

    def _save(self, epoch: int, batch: int) -> None:
        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and os.path.exists(self.path):
            shutil.copy(self.path, f"{self._previous}.new")
            os.replace(f"{self._previous}.new", self._previous)
        state = training_state.capture(self.model)
        state |= {"epoch": epoch, "batch": batch, "data": [data.position for data in self.data]}
        state["stop_training"] = self.model.stop_training
        state["callbacks"] = [
            {"class": type(callback).__name__, "state": {n: getattr(callback, n) for n in callback.state_names}}
            for callback in self.group
        ]
        training_state.write_state(self.path, state)

    def _read(self) -> dict[str, Any] | None:
        if not os.path.exists(self.path):
            return None
        try:
            return training_state.read_state(self.path)
        except ValueError:
            if not os.path.exists(self._previous):
                raise
            return training_state.read_state(self._previous)

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            training_state.restore(self.model, state)
        except ValueError as error:
            message = f"BackupAndRestore: {self.path} is not of this model: {error}; remove it to begin anew"
            raise ValueError(message) from None
        saved, now = [entry["class"] for entry in state["callbacks"]], [type(c).__name__ for c in self.group]
        if saved != now:
            raise ValueError(
                f"BackupAndRestore: {self.path} is of a run with callbacks {saved}, this one has {now}; remove it to "
                "begin anew"
            )
        for callback, entry in zip(self.group, state["callbacks"], strict=True):
            vars(callback).update(entry["state"])
        self.model.stop_training = state["stop_training"]
