"""What share of this machine's measured limits each benchmark case reaches, on one thread.

    python benchmarks/roofline.py                        every case
    python benchmarks/roofline.py --case gru_one few_rows

The limits come from roofline_probe.cpp, compiled for this CPU: the peak rate of fused multiply-adds, and the read
bandwidth by footprint. A case cannot be done in less time than its multiply-adds take at that peak, nor than it takes
to read the weights: every time step needs the recurrent kernel again, from whichever cache holds it. Its share is the
longer of the two over the time measured. Gate activations are not counted, so where multiply-adds bind 100% is out of
reach.
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
from contest import report
from contest.case import GATES, MODES, PUBLIC_CASES, Case, load_cases
from contest.referee import SLICE
from contest.seat import Seat, missing_packages

_PROBE = Path(__file__).with_name("roofline_probe.cpp")
_FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffp-contract=fast")
_FLOAT = 4  # bytes


@dataclass(frozen=True)
class Limits:
    """What one core was measured to do at most."""

    flops: float  # per second
    reads: list[tuple[int, float]]  # footprint in bytes, bytes per second

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
    return Limits(found["gflops"] * 1e9, [(size, rate * 1e9) for size, rate in found["gbytes"]])


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


def floor_seconds(case: Case, mode: str, limits: Limits) -> tuple[float, str]:
    """The least time for a call, and what sets it: "multiply-adds" or "reads"."""
    compute = 2 * multiply_adds(case, mode) / limits.flops
    gate_row = GATES[case.cell] * case.units * _FLOAT
    kernels = [case.layer_inputs(layer) * gate_row for layer in range(case.layers) for _ in range(case.directions)]
    recurrent = case.units * gate_row
    if mode == "stream":  # each step walks through every layer's weights
        everything = sum(kernels) + recurrent * len(kernels)
        reads = limits.read_seconds(everything, everything)
    else:  # W once; U in every step, and in training in every step back
        passes = case.steps * (2 if mode == "train" else 1)
        reads = sum(limits.read_seconds(kernel, kernel) for kernel in kernels)
        reads += len(kernels) * limits.read_seconds(passes * recurrent, recurrent)
    return (compute, "multiply-adds") if compute >= reads else (reads, "reads")


def _limits_text(limits: Limits) -> str:
    rates = ", ".join(f"{size // 1024} KB {rate / 1e9:.0f}" for size, rate in limits.reads)
    return f"one core: {limits.flops / 1e9:.0f} GFLOP/s float32 FMA peak; reads in GB/s by footprint: {rates}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, default=PUBLIC_CASES, metavar="FILE", help="cases to read")
    parser.add_argument("--case", nargs="+", metavar="NAME", help="only these cases")
    parser.add_argument("--mode", nargs="+", choices=MODES, default=list(MODES), help="only these modes")
    parser.add_argument("--seconds", type=float, default=1.0, help="measuring time per case and mode (default 1)")
    arguments = parser.parse_args()
    if missing := missing_packages("rnnfast"):
        parser.error(f"{missing[0]} is not installed: pip install .")
    limits = measure_limits()
    if limits is None:
        print("roofline.py: skipped: no C++ compiler (c++, g++, clang++ or $CXX), so the limits cannot be measured")
        return 0
    print(_limits_text(limits), end="\n\n")

    seat = Seat("rnnfast", threads=1)
    rows = []
    for case in load_cases(arguments.cases):
        for mode in case.modes:
            if mode not in arguments.mode or (arguments.case and case.name not in arguments.case):
                continue
            seat.load(case, mode)
            slices = max(1, round(arguments.seconds / SLICE))
            seconds = min(min(seat.slice(SLICE)) for _ in range(slices)) / 1e9
            floor, bound = floor_seconds(case, mode, limits)
            rate = 2 * multiply_adds(case, mode) / seconds / 1e9
            rows.append([case.name, mode, bound, f"{seconds * 1e6:.1f}", f"{rate:.1f}", f"{floor / seconds:.0%}"])
    seat.close()
    print(report.render(["case", "mode", "limit", "best us", "GFLOP/s", "of limit"], rows, left=3))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
