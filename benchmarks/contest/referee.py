"""Runs a case between seats: checks that the answers agree, then lets them take turns."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from .seat import Seat, Task
from .terms import PRECISIONS

SLICE = 0.04  # seconds of a turn, unless asked for otherwise
_PAUSE = 0.01  # seconds between turns, in which the threads of the one before stop spinning
_LEAST_ROUNDS = 5


class DisagreementError(ValueError):
    """A contestant's answer is not the leader's."""


@dataclass(frozen=True)
class Timing:
    """Microseconds per call."""

    median: float
    best: float
    p99: float
    p999: float
    samples: int
    variant: str

    @staticmethod
    def of(nanoseconds: list[float], variant: str) -> Timing:
        median, p99, p999 = np.quantile(nanoseconds, (0.5, 0.99, 0.999)) / 1e3
        return Timing(float(median), min(nanoseconds) / 1e3, float(p99), float(p999), len(nanoseconds), variant)


@dataclass(frozen=True)
class Outcome:
    """A task's timings by seat. The leader is the one whose speed is asked for."""

    task: Task
    mode: str
    leader: str
    timings: dict[str, Timing]

    def ratio(self, statistic: str = "median") -> float:
        """The best other's time over the leader's: above 1 the leader is faster."""
        others = [label for label in self.timings if label != self.leader]
        return min(self.ratio_over(label, statistic) for label in others)

    def ratio_over(self, label: str, statistic: str = "median") -> float:
        """One other's time over the leader's."""
        return getattr(self.timings[label], statistic) / getattr(self.timings[self.leader], statistic)


def check_agreement(
    place: str, expected: dict[str, np.ndarray], actual: dict[str, np.ndarray], tolerance: float
) -> None:
    """DisagreementError, naming the place, unless the same arrays hold the same numbers within `tolerance`.

    tolerance: largest difference, relative to the largest magnitude of the array.
    """
    if expected.keys() != actual.keys():
        raise DisagreementError(f"{place}: answers {sorted(actual)}, expected {sorted(expected)}")
    for name, array in expected.items():
        if array.shape != actual[name].shape:
            raise DisagreementError(f"{place}: {name} has shape {actual[name].shape}, expected {array.shape}")
        difference = np.abs(array - actual[name]).max() / np.abs(array).max()
        if not difference <= tolerance:  # catches NaN too
            raise DisagreementError(f"{place}: {name} differs by {difference:.1e} of its largest magnitude")


def run(
    task: Task, mode: str, seats: list[Seat], seconds: float, turn: float = SLICE, tolerance: float | None = None
) -> Outcome | None:
    """Time a task between seats, the first of which is the leader; those that have no way of doing it sit it out.

    Takes about `seconds` after loading, in turns of `turn` seconds, and at least five rounds. DisagreementError if an
    answer differs by more than `tolerance`, by default that of the leader's precision. None if nobody is left to
    compare with.
    """
    leader = seats[0]
    if tolerance is None:
        tolerance = PRECISIONS[leader.terms[0].precision].tolerance
    variants: dict[str, str] = {}
    expected: dict[str, np.ndarray] = {}
    playing = []
    for seat in seats:
        loaded = seat.load(task, mode)
        if loaded is None:
            continue
        variants[seat.label], answer = loaded
        expected = expected or answer
        check_agreement(f"{task.name}, {mode}, {seat.label} against {leader.label}", expected, answer, tolerance)
        playing.append(seat)
    if leader not in playing or len(playing) < 2:
        return None

    samples: dict[str, list[float]] = {seat.label: [] for seat in playing}
    end = time.monotonic() + seconds
    rounds = 0
    while rounds < _LEAST_ROUNDS or time.monotonic() < end:
        first = rounds % len(playing)  # so that nobody always follows the same one
        for seat in playing[first:] + playing[:first]:
            time.sleep(_PAUSE)
            samples[seat.label] += seat.slice(turn)
        rounds += 1
    timings = {label: Timing.of(values, variants[label]) for label, values in samples.items()}
    return Outcome(task, mode, leader.label, timings)
