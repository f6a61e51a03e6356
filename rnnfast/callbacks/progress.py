"""What `verbose` shows."""

from __future__ import annotations

import sys
import time
from typing import Any

from rnnfast.callbacks.base import Callback, Logs


class ProgressBar(Callback):
    """What `verbose` shows of `fit` and `evaluate`: 1 a bar per epoch (tqdm), 2 a line per epoch.

    >>> import rnnfast
    >>> bar = rnnfast.callbacks.ProgbarLogger(verbose=2)
    """

    def __init__(self, verbose: int = 1) -> None:
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
