"""Whether speed holds where it might not; every ratio has a bound that must hold.

    python benchmarks/steadiness.py
    python benchmarks/steadiness.py --part sizes --cell lstm --mode train
    RNNFAST_ISA=avx2 python benchmarks/steadiness.py --part sizes

    part      what                                                          ratio                            at most
    hostile   denormal numbers, NaN and infinity in the input               time over normal input           1.1
    sizes     units that fill no vector: no cliff                           time over that of whole vectors  1.35
              row counts that fill no tile: no cliff                        a row over one of fewer rows     1.35
    baseline  AVX2 (RNNFAST_ISA=avx2; NumPy too) beside the NumPy reference time over NumPy's                1

One thread; all sides of a ratio take turns, medians count. Answers are checked, too: hostile input against the float64
reference, and that NaN stays where arithmetic takes it. Exit status 1 if a bound is passed or an answer is wrong.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator

BOUNDS = {"hostile": 1.1, "vectors": 1.35, "rows": 1.35, "baseline": 1.0}
PARTS = ("hostile", "sizes", "baseline")
_AVX2 = {"RNNFAST_ISA": "avx2", "OPENBLAS_CORETYPE": "Haswell"}
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


def _findings(part: str, options: argparse.Namespace) -> Iterator:
    from steady import baseline, hostile, sizes  # NumPy reads the environment when it is loaded

    if part == "hostile":
        return hostile.findings(options.seconds, options.small)
    if part == "sizes":
        return sizes.findings(options.seconds, options.small, options.cell, options.mode)
    return baseline.findings(options.seconds, options.small)


def report(part: str, options: argparse.Namespace) -> int:
    """Print a part, and give how many bounds were passed and answers wrong."""
    wrong = count = 0
    for finding in _findings(part, options):
        marks = [finding.fault] if finding.fault else []
        if finding.ratio > BOUNDS[finding.bound]:
            marks.append(f"above {BOUNDS[finding.bound]}")
        if marks or not options.brief:
            line = f"{finding.bound:9} {finding.what:40} {finding.ratio:6.2f}  {finding.detail}  {'; '.join(marks)}"
            print(line.rstrip(), flush=True)
        wrong += bool(marks)
        count += 1
    print(f"{part}: {count} ratios, {wrong} wrong", flush=True)
    return wrong


def _again(arguments: list[str], part: str, environment: dict[str, str]) -> int:
    """This program in a new process, for one part, under an environment that libraries read when they are loaded."""
    command = [sys.executable, __file__, *arguments, "--part", part, "--here"]
    return subprocess.run(command, env={**os.environ, **_ONE_THREAD, **environment}).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="only these")
    parser.add_argument("--cell", nargs="+", choices=("rnn", "lstm", "gru"), default=["rnn", "lstm", "gru"])
    parser.add_argument("--mode", nargs="+", choices=("infer", "train"), default=["infer", "train"])
    parser.add_argument("--seconds", type=float, default=0.5, help="measuring time of each model (default 0.5)")
    parser.add_argument("--brief", action="store_true", help="print only what is wrong")
    parser.add_argument("--small", action="store_true", help="a few small models only")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        return report(options.part[-1], options) > 0
    return max(_again(sys.argv[1:], part, _AVX2 if part == "baseline" else {}) for part in options.part) != 0


if __name__ == "__main__":
    raise SystemExit(main())
