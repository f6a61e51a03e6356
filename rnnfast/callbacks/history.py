"""The record that `fit` returns."""

from __future__ import annotations

from rnnfast.callbacks.base import Callback, Logs


class History(Callback):
    """What `fit` returns. `history`: per name (`loss`, `accuracy`, `val_loss`, ...) a list with one value per epoch;
    `epoch`: their numbers, from 0.

    >>> import numpy as np, rnnfast
    >>> model = rnnfast.Sequential([rnnfast.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0)
    >>> history.epoch, len(history.history["loss"])
    ([0, 1], 2)
    """

    state_names = ("history", "epoch")

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
