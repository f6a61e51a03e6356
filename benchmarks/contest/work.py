"""What a contestant offers for one case: something to run again and again, and the answer it gives."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

_SAMPLE_NS = 1_000_000  # a sample is at least this long, so that the clock's own cost does not count
_LONG_NS = 100_000_000  # from here on a run is long enough to pay for cold caches itself


def _nothing() -> None:
    pass


class Sampler(Protocol):
    def slice(self, seconds: float) -> list[float]:
        """Samples in nanoseconds per call, for about `seconds`, at least one."""
        ...


@dataclass
class Work:
    """One way of doing a case. Where a contestant has several, the quickest is kept (see `quickest`)."""

    run: Callable[[], object]
    answer: Callable[[], dict[str, np.ndarray]]
    calls: int = 1  # calls that one run makes: a streaming run makes one per step
    variant: str = ""
    prepare: Callable[[], object] = _nothing  # sets what is global to the process for this way

    def sampler(self) -> Sampler:
        """Takes the samples that are compared: here, of the time that a call takes."""
        return Stopwatch(self)


class Stream(Protocol):
    """Steps one at a time, carrying its state."""

    def step(self, x: Any) -> object: ...

    def output(self) -> np.ndarray:
        """The last step's output (batch, 1, width)."""
        ...


@dataclass
class StreamWork(Work):
    """Made by `stream_work`, which see."""

    open_stream: Callable[[], Stream] = field(kw_only=True)
    steps: list = field(kw_only=True)
    context: Callable[[], AbstractContextManager] = field(kw_only=True)


def stream_work(
    open_stream: Callable[[], Stream],
    steps: list,
    variant: str,
    context: Callable[[], AbstractContextManager] = nullcontext,
    prepare: Callable[[], object] = _nothing,
) -> StreamWork:
    """A Work whose run takes all `steps` on from wherever the stream stands; its answer starts a stream anew.

    Streams are opened and advanced within `context`.
    """
    prepare()
    with context():
        step = open_stream().step

    def run() -> None:
        with context():
            for x in steps:
                step(x)

    def answer() -> dict[str, np.ndarray]:
        outputs = []
        with context():
            stream = open_stream()
            for x in steps:
                stream.step(x)
                outputs.append(stream.output().copy())
        return {"output": np.concatenate(outputs, axis=1)}

    return StreamWork(run, answer, len(steps), variant, prepare, open_stream=open_stream, steps=steps, context=context)


class Stopwatch:
    """Samples of the time that a Work takes, in nanoseconds per call."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._repeat = 1
        work.prepare()
        self._long = self._time() >= _LONG_NS
        while not self._long and self._time() < _SAMPLE_NS:
            self._repeat *= 2

    def _time(self) -> int:
        run = self._work.run
        repeats = range(self._repeat)
        start = time.perf_counter_ns()
        for _ in repeats:
            run()
        return time.perf_counter_ns() - start

    def slice(self, seconds: float) -> list[float]:
        """See Sampler. A first run, not counted, brings the caches back, unless runs are long."""
        gc.collect()
        gc.disable()
        try:
            if not self._long:
                self._work.run()
            end = time.perf_counter_ns() + int(seconds * 1e9)
            samples = [self._time()]
            while time.perf_counter_ns() < end:
                samples.append(self._time())
        finally:
            gc.enable()
        per_sample = self._repeat * self._work.calls
        return [sample / per_sample for sample in samples]


def quickest(works: list[Work], seconds: float = 0.1) -> Work:
    """The Work whose best sample is lowest, prepared to run."""
    if len(works) > 1:
        works = sorted(works, key=lambda work: min(work.sampler().slice(seconds)))
    works[0].prepare()
    return works[0]
