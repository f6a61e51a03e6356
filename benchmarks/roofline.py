"""What share of this machine's measured limits each benchmark case reaches, on one thread.

    python benchmarks/roofline.py                        every case
    python benchmarks/roofline.py --case gru_one few_rows
    python benchmarks/roofline.py --precision bfloat16 int8

The limits come from roofline_probe.cpp, compiled for this CPU: the peak rate of multiply-adds, in float32 and in what
the CPU has for bfloat16 and int8, and the read bandwidth by footprint. A case cannot be done in less time than its
multiply-adds take at that peak, nor than it takes to read the weights: every time step needs the recurrent kernel
again, from whichever cache holds it. Its share is the longer of the two over the time measured. Gate activations are
not counted, so where multiply-adds bind 100% is out of reach.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from contest import machine, report, selection
from contest.case import GATES, Case
from contest.referee import SLICE
from contest.seat import missing_packages, take_seats
from contest.summary import fits_l2, geometric_mean
from contest.terms import PRECISIONS, Terms

_PROBE = Path(__file__).with_name("roofline_probe.cpp")
_FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffp-contract=fast")
_SPLIT_PRODUCTS = 3  # in bfloat16, of two parts each, that give a product of "high" precision


@dataclass(frozen=True)
class Limits:
    """What one core was measured to do at most."""

    peaks: dict[str, float]  # operations per second in float32 and in what else the CPU has instructions for
    reads: list[tuple[int, float]]  # footprint in bytes, bytes per second

    def operations(self, precision: str) -> float:
        """The highest rate of operations that a precision of rnnfast allows: float32 serves every one of them."""
        own = self.peaks.get(precision, 0.0)
        if precision == "high":
            own = self.peaks.get("bfloat16", 0.0) / _SPLIT_PRODUCTS
        return max(own, self.peaks["float32"])

    def read_seconds(self, count: float, footprint: float) -> float:
        """Time to read `count` bytes, over and over the same `footprint`."""
        sizes, rates = zip(*self.reads, strict=True)
        return count / float(np.interp(math.log2(footprint), np.log2(sizes), rates))


def measure_limits() -> Limits | None:
    """Compile and run the probe; None without a compiler. RuntimeError, with its message, if it does not compile."""
    candidates = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    compiler = next((found for name in candidates if name and (found := shutil.which(name))), None)
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "probe")
        build = subprocess.run([compiler, *_FLAGS, str(_PROBE), "-o", program], capture_output=True, text=True)
        if build.returncode:
            raise RuntimeError(f"{compiler} could not compile {_PROBE.name}:\n{build.stderr}")
        found = json.loads(subprocess.run([program], capture_output=True, text=True, check=True).stdout)
    peaks = {precision: rate * 1e9 for precision, rate in found["peaks"].items()}
    return Limits(peaks, [(size, rate * 1e9) for size, rate in found["gbytes"]])


def multiply_adds(case: Case, mode: str) -> int:
    """Of one call: x W and h U; in training also dh, dU, dW and, but for the first layer, dx."""
    rows = case.batch * (1 if mode == "stream" else case.steps)
    total = 0
    for layer in range(case.layers):
        project, recur = case.layer_inputs(layer), case.units
        per_gate = project + recur
        if mode == "train":
            per_gate += 2 * recur + project + (project if layer else 0)
        total += case.directions * rows * GATES[case.cell] * case.units * per_gate
    return total


def floor_seconds(case: Case, mode: str, limits: Limits, precision: str = "float32") -> tuple[float, str]:
    """The least time for a call, and what sets it: "multiply-adds" or "reads"."""
    compute = 2 * multiply_adds(case, mode) / limits.operations(precision)
    size = PRECISIONS[precision].weight_bytes
    walked = case.walked_weights(mode) * size
    if mode == "stream":  # each step walks through every layer's weights
        reads = limits.read_seconds(walked, walked)
    else:  # W once; U in every step, and in training in every step back
        passes = case.steps * (2 if mode == "train" else 1)
        kernels = [kernel * size for kernel in case.kernels()]
        reads = sum(limits.read_seconds(kernel, kernel) for kernel in kernels)
        reads += len(kernels) * limits.read_seconds(passes * walked, walked)
    return (compute, "multiply-adds") if compute >= reads else (reads, "reads")


def _limits_text(limits: Limits) -> str:
    peaks = ", ".join(f"{rate / 1e9:.0f} G/s {precision}" for precision, rate in limits.peaks.items())
    rates = ", ".join(f"{size // 1024} KB {rate / 1e9:.0f}" for size, rate in limits.reads)
    return f"one core: peak operations {peaks}; reads in GB/s by footprint: {rates}"


def _kind(case: Case, mode: str, bound: str, precision: str) -> str:
    if bound == "multiply-adds":
        return bound
    near = fits_l2(case, mode, precision, machine.cache_bytes(2))
    return f"reads, batch {case.batch}, weights {'fit L2' if near else 'from L3'}"


def _shares(work: selection.Selection, precision: str, limits: Limits, seconds: float) -> str:
    """The table of a precision, and the shares of its kinds of cases."""
    rows: list[list[str]] = []
    kinds: dict[str, list[float]] = {}
    with take_seats(("rnnfast", [Terms(precision=precision)], "rnnfast")) as (seat,):
        for case, mode in work:
            seat.load(case, mode)
            slices = max(1, round(seconds / SLICE))
            best = min(min(seat.slice(SLICE)) for _ in range(slices)) / 1e9
            floor, bound = floor_seconds(case, mode, limits, precision)
            rate = 2 * multiply_adds(case, mode) / best / 1e9
            rows.append([case.name, mode, bound, f"{best * 1e6:.1f}", f"{rate:.1f}", f"{floor / best:.0%}"])
            kinds.setdefault(_kind(case, mode, bound, precision), []).append(floor / best)
    table = report.render(["case", "mode", "limit", "best us", "GFLOP/s", "of limit"], rows, left=3)
    lines = [
        f"{kind} ({len(shares)}): geometric mean {geometric_mean(shares):.0%}, least {min(shares):.0%}"
        for kind, shares in sorted(kinds.items())
    ]
    return "\n".join([table, "", *lines])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    selection.add_options(parser)
    parser.add_argument("--seconds", type=float, default=1.0, help="measuring time per case and mode (default 1)")
    arguments = parser.parse_args()
    work = selection.selected(parser, arguments)
    if missing := missing_packages("rnnfast"):
        parser.error(f"{missing[0]} is not installed: pip install .")
    limits = measure_limits()
    if limits is None:
        print("roofline.py: skipped: no C++ compiler (c++, g++, clang++ or $CXX), so the limits cannot be measured")
        return 0
    print(_limits_text(limits))
    for precision in arguments.precision:
        chosen = selection.in_precision(work, precision)
        print(f"\n{precision}\n{_shares(chosen, precision, limits, arguments.seconds)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
