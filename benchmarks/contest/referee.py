"""Runs a case between seats: checks that the answers agree, then lets them take turns."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

import numpy as np

from .case import Case
from .seat import Seat

TOLERANCE = 1e-4  # largest difference, relative to the largest magnitude of the array
SLICE = 0.04  # seconds of a turn
_PAUSE = 0.01  # seconds between turns, in which the threads of the one before stop spinning
_LEAST_ROUNDS = 5


class DisagreementError(ValueError):
    """A contestant's answer is not the leader's."""


@dataclass(frozen=True)
class Timing:
    """Microseconds per call."""

    median: float
    best: float
    samples: int
    variant: str


@dataclass(frozen=True)
class Outcome:
    """A case's timings by seat. The leader is the one whose speed is asked for."""

    case: Case
    mode: str
    leader: str
    timings: dict[str, Timing]

    def ratio(self, statistic: str = "median") -> float:
        """The best other's time over the leader's: above 1 the leader is faster."""
        others = [getattr(timing, statistic) for label, timing in self.timings.items() if label != self.leader]
        return min(others) / getattr(self.timings[self.leader], statistic)


def check_agreement(place: str, expected: dict[str, np.ndarray], actual: dict[str, np.ndarray]) -> None:
    """DisagreementError, naming the place, unless the same arrays hold the same numbers within TOLERANCE."""
    if expected.keys() != actual.keys():
        raise DisagreementError(f"{place}: answers {sorted(actual)}, expected {sorted(expected)}")
    for name, array in expected.items():
        if array.shape != actual[name].shape:
            raise DisagreementError(f"{place}: {name} has shape {actual[name].shape}, expected {array.shape}")
        difference = np.abs(array - actual[name]).max() / np.abs(array).max()
        if not difference <= TOLERANCE:  # catches NaN too
            raise DisagreementError(f"{place}: {name} differs by {difference:.1e} of its largest magnitude")


def run(case: Case, mode: str, seats: list[Seat], seconds: float) -> Outcome:
    """Time a case between seats, the first of which is the leader; those that do not know the mode sit it out.

    Takes about `seconds` after loading, and at least five rounds. DisagreementError if an answer differs.
    """
    seats = [seat for seat in seats if mode in seat.modes]
    variants: dict[str, str] = {}
    expected: dict[str, np.ndarray] = {}
    for seat in seats:
        variants[seat.label], answer = seat.load(case, mode)
        expected = expected or answer
        check_agreement(f"{case.name}, {mode}, {seat.label} against {seats[0].label}", expected, answer)

    samples: dict[str, list[float]] = {seat.label: [] for seat in seats}
    end = time.monotonic() + seconds
    rounds = 0
    while rounds < _LEAST_ROUNDS or time.monotonic() < end:
        first = rounds % len(seats)  # so that nobody always follows the same one
        for seat in seats[first:] + seats[:first]:
            time.sleep(_PAUSE)
            samples[seat.label] += seat.slice(SLICE)
        rounds += 1
    timings = {
        label: Timing(median(values) / 1e3, min(values) / 1e3, len(values), variants[label])
        for label, values in samples.items()
    }
    return Outcome(case, mode, seats[0].label, timings)
