"""Several ways to spend time, timed in turns, so that whatever disturbs the machine disturbs all."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence

_SAMPLE = 100e-6  # seconds; shorter calls are repeated
_LEAST = 5  # samples of each


def _time(run: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats


def in_turns(runs: Sequence[Callable[[], object]], seconds: float) -> list[list[float]]:
    """Seconds per call of each, sample by sample: round after round for `seconds` in all, five rounds at least."""
    repeats = []
    for run in runs:
        run()
        repeats.append(max(1, round(_SAMPLE / max(_time(run, 1), 1e-7))))
    times: list[list[float]] = [[] for _ in runs]
    gc.collect()
    gc.disable()
    try:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(times[0]) < _LEAST:
            for run, count, samples in zip(runs, repeats, times, strict=True):
                samples.append(_time(run, count))
    finally:
        gc.enable()
    return times
