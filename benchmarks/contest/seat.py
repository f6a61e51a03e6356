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
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from .case import Case
from .work import Stopwatch, quickest

# Packages that a contestant needs.
CONTESTANTS = {
    "rnnfast": ("rnnfast",),
    "reference": ("rnnfast",),
    "torch": ("torch",),
    "onnxruntime": ("onnxruntime", "onnx"),
    "openvino": ("openvino", "onnx"),
}
PEERS = ("torch", "onnxruntime", "openvino")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def missing_packages(contestant: str) -> list[str]:
    return [package for package in CONTESTANTS[contestant] if importlib.util.find_spec(package) is None]


class _Player:
    """What runs in the process. Each method answers a request of Seat's method of that name."""

    def __init__(self, contestant: str, threads: int) -> None:
        self._side = importlib.import_module(f"{__package__}.{contestant}_side")
        self._threads = threads
        self._stopwatch: Stopwatch | None = None

    def describe(self) -> tuple[str, tuple[str, ...]]:
        return self._side.version(), tuple(self._side.MODES)

    def load(self, case: Case, mode: str) -> tuple[str, dict[str, np.ndarray]]:
        self._stopwatch = None  # lets go of the case before
        work = quickest(self._side.works(case, mode, self._threads))
        answer = work.answer()
        self._stopwatch = Stopwatch(work)
        return work.variant, answer

    def slice(self, seconds: float) -> list[float]:
        if self._stopwatch is None:
            raise ValueError("slice: no case is loaded")
        return self._stopwatch.slice(seconds)


def _serve(connection: Connection, contestant: str, threads: int) -> None:
    """Answers each request with (value, None) or (None, traceback), until None comes."""
    warnings.simplefilter("ignore")
    player: _Player | None = None
    while (request := connection.recv()) is not None:
        command, *arguments = request
        try:
            player = player or _Player(contestant, threads)
            connection.send((getattr(player, command)(*arguments), None))
        except Exception:
            connection.send((None, traceback.format_exc()))


@dataclass
class Seat:
    """The asking side. A failure in the process is a RuntimeError here, with its traceback."""

    contestant: str
    threads: int
    label: str = ""
    version: str = ""
    modes: tuple[str, ...] = ()
    _process: multiprocessing.process.BaseProcess = field(init=False, repr=False)
    _connection: Connection = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.label = self.label or self.contestant
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        arguments = (theirs, self.contestant, self.threads)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
        os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(self.threads)))  # read when the libraries are loaded
        self._process.start()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        theirs.close()
        self.version, self.modes = self._ask("describe")

    def _ask(self, *request: object) -> Any:
        self._connection.send(request)
        try:
            value, failure = self._connection.recv()
        except EOFError:
            raise RuntimeError(f"{self.label}: its process ended, exit code {self._process.exitcode}") from None
        if failure is not None:
            raise RuntimeError(f"{self.label} failed:\n{failure}")
        return value

    def load(self, case: Case, mode: str) -> tuple[str, dict[str, np.ndarray]]:
        """The way that the contestant found quickest, and its answer."""
        return self._ask("load", case, mode)

    def slice(self, seconds: float) -> list[float]:
        """Samples in nanoseconds per call, for about `seconds`."""
        return self._ask("slice", seconds)

    def close(self) -> None:
        if self._process.is_alive():
            self._connection.send(None)
            self._process.join()
