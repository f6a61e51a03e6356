"""Many streams over one model, at a steady rate of arrivals: how long does a step wait and take?"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from contest.case import Case
from contest.terms import Terms
from contest.work import Sampler, StreamWork, Work

_CHECKED_STREAMS = 3


class _Desk:
    """Serves the streams in turn, one thread, first come first served. A sample is the latency of a step.

    Arrivals keep to their schedule whether the desk keeps up or not, and a latency counts from the time at which the
    step was due: a slow step also delays those that come behind it.
    """

    def __init__(self, work: StreamWork, streams: int, rate: float) -> None:
        self._context = work.context
        self._inputs = work.steps
        self._interval = 1e9 / rate
        work.prepare()
        with self._context():
            self._step = [work.open_stream().step for _ in range(streams)]
            for step in self._step:
                step(self._inputs[0])

    def slice(self, seconds: float) -> list[float]:
        count = max(len(self._step), int(seconds * 1e9 / self._interval))
        latencies = []
        clock = time.perf_counter_ns
        gc.collect()
        gc.disable()
        try:
            with self._context():
                begin = clock()
                for index in range(count):
                    due = begin + index * self._interval
                    while clock() < due:
                        pass
                    self._step[index % len(self._step)](self._inputs[index % len(self._inputs)])
                    latencies.append(clock() - due)
        finally:
            gc.enable()
        return latencies


def _interleaved(work: StreamWork) -> dict[str, np.ndarray]:
    """Outputs of several streams that take turns, each a step ahead of the one before it."""
    work.prepare()
    with work.context():
        streams = [work.open_stream() for _ in range(_CHECKED_STREAMS)]
        outputs: list[list[np.ndarray]] = [[] for _ in streams]
        for index in range(len(work.steps)):
            for ahead, (stream, own) in enumerate(zip(streams, outputs, strict=True)):
                stream.step(work.steps[(index + ahead) % len(work.steps)])
                own.append(stream.output().copy())
    return {f"stream {n}": np.concatenate(own, axis=1) for n, own in enumerate(outputs)}


class _ServiceWork(Work):
    """A stream's Work, but that latencies at the desk are what is sampled."""

    def __init__(self, stream: StreamWork, streams: int, rate: float) -> None:
        super().__init__(stream.run, partial(_interleaved, stream), stream.calls, stream.variant, stream.prepare)
        self._desk = partial(_Desk, stream, streams, rate)

    def sampler(self) -> Sampler:
        return self._desk()


@dataclass(frozen=True)
class ServiceTask:
    """`streams` independent states over one model, which get `rate` steps per second in all."""

    name: str
    case: Case
    streams: int
    rate: float

    def works(self, contestant: str, mode: str, terms: Terms) -> list[Work]:
        """Every way that the contestant has of streaming the case, at such a desk; there is no other mode."""
        works = self.case.works(contestant, "stream", terms)
        return [_ServiceWork(work, self.streams, self.rate) for work in works if isinstance(work, StreamWork)]
