"""What several threads cost where they cannot run: too few processors, a processor's share, another process.

    python benchmarks/contention.py
    python benchmarks/contention.py --case mid_one --seconds 4

Threads that share the steps of one sequence wait for each other thousands of times per call, and one that has no
processor keeps the others waiting. Each situation has a bound that must hold:

    situation                                                             time over          at most
    threads     more threads than processors                              that of 1 thread   1.3
    processor   a single processor (affinity), two threads                that of 1 thread   1.3
    half        a control group of half a processor, two threads          that of 1 thread   1.3
    processes   two processes of two threads each on the same processors  that of one alone  2.6

Times are means over all calls, in turns of both sides: a call that has waited for a processor counts in full. `half`
needs control groups that may be written to, else it is left out. Exit status 1 if a bound is passed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from contest.case import Case, load_cases

_CASES = ("forecast_one", "denoise_stream", "gru_one", "basecaller", "mid_one", "few_rows", "diarise")
_TURN = 0.2  # seconds; two periods of a control group
_GROUPS = Path("/sys/fs/cgroup")


# The measured process: reads "threads seconds" lines, runs calls for as long, answers "calls seconds".


def work(case: Case) -> None:
    from contest.rnnfast_side import recurrent_layers

    import rnnfast

    model = rnnfast.Sequential([rnnfast.layers.Input((None, case.inputs)), *recurrent_layers(case)])
    x = np.random.default_rng(0).standard_normal((case.batch, case.steps, case.inputs)).astype(np.float32)
    calls: dict[int, Callable[[], object]] = {}

    def call(threads: int) -> Callable[[], object]:
        engine = rnnfast.InferenceModel(model, threads=threads)
        if "stream" in case.modes:
            step, frame = engine.stream(case.batch).step, x[:, 0]
            return lambda: step(frame)
        return lambda: engine(x)

    for line in sys.stdin:
        threads, seconds = int(line.split()[0]), float(line.split()[1])
        run = calls.get(threads) or calls.setdefault(threads, call(threads))
        run()
        start, count = time.perf_counter(), 0
        while (now := time.perf_counter()) - start < seconds or count == 0:
            run()
            count += 1
        print(count, now - start, flush=True)


class Worker:
    """A process that runs one case, started on `processors`, in the control group of folder `group`."""

    def __init__(self, case: Case, processors: set[int] | None = None, group: Path | None = None) -> None:
        command = [sys.executable, __file__, "--worker", case.name]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}

        def enter() -> None:
            if processors is not None:
                os.sched_setaffinity(0, processors)
            if group is not None:
                (group / "cgroup.procs").write_text(str(os.getpid()))

        self._process: subprocess.Popen[str] = subprocess.Popen(command, preexec_fn=enter, **pipes)

    def start(self, threads: int, seconds: float) -> None:
        self._process.stdin.write(f"{threads} {seconds}\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]

    def result(self) -> np.ndarray:
        """Calls and seconds."""
        return np.array([float(number) for number in self._process.stdout.readline().split()])  # type: ignore[union-attr]

    def run(self, threads: int, seconds: float) -> np.ndarray:
        self.start(threads, seconds)
        return self.result()

    def close(self) -> None:
        self._process.communicate()


@contextlib.contextmanager
def workers(*started: Worker) -> Iterator[tuple[Worker, ...]]:
    try:
        yield started
    finally:
        for worker in started:
            worker.close()


def _mean(totals: np.ndarray) -> float:
    return float(totals[1] / totals[0])


def many_against_one(worker: Worker, threads: int, seconds: float) -> tuple[float, float]:
    """Mean seconds per call of one thread, and of several."""
    one, many = np.zeros(2), np.zeros(2)
    for n in (1, threads):
        worker.run(n, 0)  # makes the model
    for _ in range(max(1, round(seconds / (2 * _TURN)))):
        one += worker.run(1, _TURN)
        many += worker.run(threads, _TURN)
    return _mean(one), _mean(many)


def together_against_alone(first: Worker, second: Worker, seconds: float) -> tuple[float, float]:
    """Mean seconds per call of the first alone, and of the slower one when both run."""
    alone, both = np.zeros(2), np.zeros((2, 2))
    for worker in (first, second):
        worker.run(2, 0)
    for _ in range(max(1, round(seconds / (2 * _TURN)))):
        alone += first.run(2, _TURN)
        first.start(2, _TURN)
        second.start(2, _TURN)
        both += [first.result(), second.result()]
    return _mean(alone), max(_mean(totals) for totals in both)


@contextlib.contextmanager
def half_a_processor() -> Iterator[Path | None]:
    """The folder of a new control group, or None where none can be made."""
    unified = (_GROUPS / "cgroup.controllers").exists()
    try:
        folder = Path(tempfile.mkdtemp(prefix="rnnfast-", dir=_GROUPS if unified else _GROUPS / "cpu"))
    except OSError:
        yield None
        return
    try:
        if unified:
            (folder / "cpu.max").write_text("50000 100000")
        else:
            (folder / "cpu.cfs_period_us").write_text("100000")
            (folder / "cpu.cfs_quota_us").write_text("50000")
        yield folder
    except FileNotFoundError:  # a group without a limit on processors
        yield None
    finally:
        folder.rmdir()


def measure(case: Case, situation: str, seconds: float) -> tuple[float, float] | None:
    processors = os.sched_getaffinity(0)
    if situation == "processes":
        with workers(Worker(case), Worker(case)) as (first, second):
            return together_against_alone(first, second, seconds)
    if situation == "half":
        with half_a_processor() as group:
            if group is None:
                return None
            with workers(Worker(case, group=group)) as (worker,):
                return many_against_one(worker, 2, 2 * seconds)
    threads = 2 * len(processors) if situation == "threads" else 2
    with workers(Worker(case, {min(processors)} if situation == "processor" else None)) as (worker,):
        return many_against_one(worker, threads, seconds)


BOUNDS = {"threads": 1.3, "processor": 1.3, "half": 1.3, "processes": 2.6}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cases = {case.name: case for case in load_cases()}
    parser.add_argument("--case", nargs="+", choices=cases, default=list(_CASES), metavar="NAME", help="only these")
    parser.add_argument("--situation", nargs="+", choices=list(BOUNDS), default=list(BOUNDS), help="only these")
    parser.add_argument("--seconds", type=float, default=2.0, help="measuring time of each figure (default 2)")
    parser.add_argument("--worker", choices=cases, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(cases[arguments.worker])
        return 0
    if not hasattr(os, "sched_setaffinity"):
        print("contention.py: this system does not say which processors a process may use", file=sys.stderr)
        return 1
    print(f"{'situation':10} {'case':16} {'before us':>11} {'in it us':>11} {'ratio':>6} {'bound':>6}")
    violations = 0
    for situation in arguments.situation:
        for name in arguments.case:
            measured = measure(cases[name], situation, arguments.seconds)
            if measured is None:
                print(f"{situation:10} no control groups that can be written to")
                break
            before, within = (1e6 * seconds for seconds in measured)
            ratio, bound = within / before, BOUNDS[situation]
            violations += ratio > bound
            mark = "  above the bound" if ratio > bound else ""
            print(f"{situation:10} {name:16} {before:11.1f} {within:11.1f} {ratio:6.2f} {bound:6.1f}{mark}", flush=True)
    return violations > 0


if __name__ == "__main__":
    raise SystemExit(main())
