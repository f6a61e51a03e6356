"""A contestant in a process of its own.

Contestants take turns, each in its own process, so that no thread pool, OpenMP runtime or processor affinity of one is
there while another runs: at two threads, most medians were lower apart than in a shared process.
"""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import os
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Protocol

import numpy as np

from .terms import Terms
from .work import Sampler, Work, quickest

# Packages that a contestant needs.
CONTESTANTS = {
    "rnnfast": ("rnnfast",),
    "reference": ("rnnfast",),
    "torch": ("torch",),
    "onnxruntime": ("onnxruntime", "onnx"),
    "openvino": ("openvino", "onnx"),
    "tensorflow": ("tensorflow", "keras"),
    "jax": ("jax",),
}
PEERS = ("torch", "onnxruntime", "openvino", "tensorflow", "jax")
# Read when the libraries are loaded; the last by JAX.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")


class Task(Protocol):
    """What a seat is given to do: a Case, or a whole model at work. Plain data, since it is sent to the process."""

    @property
    def name(self) -> str: ...

    def works(self, contestant: str, mode: str, terms: Terms) -> list[Work]:
        """Every way that a contestant has of doing it; none if it cannot."""
        ...


def missing_packages(contestant: str) -> list[str]:
    return [package for package in CONTESTANTS[contestant] if importlib.util.find_spec(package) is None]


class _Player:
    """What runs in the process. Each method answers a request of Seat's method of that name."""

    def __init__(self, contestant: str, terms: Sequence[Terms]) -> None:
        self._contestant = contestant
        self._terms = terms
        self._sampler: Sampler | None = None

    def version(self) -> str:
        return importlib.import_module(f"{__package__}.{self._contestant}_side").version()

    def _works(self, task: Task, mode: str) -> Iterator[Work]:
        several = len({terms.precision for terms in self._terms}) > 1
        for terms in self._terms:
            for work in task.works(self._contestant, mode, terms):
                if several:
                    work.variant = f"{terms.precision}, {work.variant}"
                yield work

    def load(self, task: Task, mode: str) -> tuple[str, dict[str, np.ndarray]] | None:
        self._sampler = None  # lets go of the task before
        works = list(self._works(task, mode))
        if not works:
            return None
        work = quickest(works)
        answer = work.answer()
        self._sampler = work.sampler()
        return work.variant, answer

    def slice(self, seconds: float) -> list[float]:
        if self._sampler is None:
            raise ValueError("slice: nothing is loaded")
        return self._sampler.slice(seconds)


def _serve(connection: Connection, contestant: str, terms: Sequence[Terms]) -> None:
    """Answers each request with (value, None) or (None, traceback), until None comes."""
    warnings.simplefilter("ignore")
    player = _Player(contestant, terms)
    while (request := connection.recv()) is not None:
        command, *arguments = request
        try:
            connection.send((getattr(player, command)(*arguments), None))
        except Exception:
            connection.send((None, traceback.format_exc()))


@dataclass
class Seat:
    """The asking side. A failure in the process is a RuntimeError here, with its traceback.

    terms: one or more, of the same number of threads; the quickest way on any of them is kept.
    """

    contestant: str
    terms: Sequence[Terms] = (Terms(),)
    label: str = ""
    version: str = ""
    _process: multiprocessing.process.BaseProcess = field(init=False, repr=False)
    _connection: Connection = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.label = self.label or self.contestant
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        threads = str(self.terms[0].threads)
        arguments = (theirs, self.contestant, self.terms)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
        os.environ.update(dict.fromkeys(_THREAD_VARIABLES, threads))
        self._process.start()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        theirs.close()
        self.version = self._ask("version")

    def _ask(self, *request: object) -> Any:
        self._connection.send(request)
        try:
            value, failure = self._connection.recv()
        except EOFError:
            raise RuntimeError(f"{self.label}: its process ended, exit code {self._process.exitcode}") from None
        if failure is not None:
            raise RuntimeError(f"{self.label} failed:\n{failure}")
        return value

    def load(self, task: Task, mode: str) -> tuple[str, dict[str, np.ndarray]] | None:
        """The way that the contestant found quickest, and its answer; None if it has no way."""
        return self._ask("load", task, mode)

    def slice(self, seconds: float) -> list[float]:
        """Samples in nanoseconds per call, for about `seconds`."""
        return self._ask("slice", seconds)

    def close(self) -> None:
        if self._process.is_alive():
            self._connection.send(None)
            self._process.join()


@contextmanager
def take_seats(*wanted: tuple[str, Sequence[Terms], str]) -> Iterator[list[Seat]]:
    """A seat for each (contestant, terms, label) that is installed; prints their versions, and who is missing."""
    seats: list[Seat] = []
    try:
        for contestant, terms, label in wanted:
            if missing := missing_packages(contestant):
                print(f"{contestant}: not installed ({', '.join(missing)})")
            else:
                seats.append(Seat(contestant, terms, label))
                print(f"{label}: {seats[-1].version}", flush=True)
        yield seats
    finally:
        for seat in seats:
            seat.close()
