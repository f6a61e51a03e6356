"""The logs of epochs as lines of a file."""

from __future__ import annotations

import csv
import os
from typing import Any

import numpy as np

from rnnfast.callbacks.base import Callback, Logs


class CSVLogger(Callback):
    """Write the logs of every epoch as a line to `filename`, the names on the first one.

    separator: between numbers. append: go on in a file that exists. What an epoch's logs do not have is "NA".

    >>> import rnnfast
    >>> log = rnnfast.callbacks.CSVLogger("training.csv", append=True)
    """

    state_names = ("keys",)

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.filename = os.fspath(filename)
        self.separator, self.append = separator, append
        self.keys: list[str] | None = None
        self._file: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.close()
        self.keys = None
        self._file = open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8")  # noqa: SIM115

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):  # validation may come in a later epoch
                self.keys += [f"val_{key}" for key in self.keys]
        writer = csv.writer(self._file, delimiter=self.separator)
        if self._file.tell() == 0:
            writer.writerow(["epoch", *self.keys])
        writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _cell(value: Any) -> Any:
    return f'"[{", ".join(map(str, value))}]"' if isinstance(value, np.ndarray) and value.ndim else value
