"""An end of training that is no error."""

from __future__ import annotations

from rnnfast.callbacks.base import Callback


class TerminateOnNaN(Callback):
    """End training when the loss or a gradient is not finite, where `fit` would raise otherwise. The weights are those
    of before the update that broke them, and the loss in the logs of the epoch is NaN. raise_error: raise all the same.

    >>> import rnnfast
    >>> stop = rnnfast.callbacks.TerminateOnNaN()
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = bool(raise_error)

    def survives(self, batch: int, error: ValueError) -> bool:
        if self.raise_error:
            return False
        print(f"Batch {batch}: {error}. Training ends here.", flush=True)
        self.model.stop_training = True
        return True
