"""How often something can be done in a second."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 0.3  # measuring time of one figure
_LEAST_RUNS = 3


def calls_per_second(run: Callable[[], object]) -> float:
    """From the quickest of the runs that fit into SECONDS, after one to warm up."""
    run()
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(times) < _LEAST_RUNS or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1 / min(times)
