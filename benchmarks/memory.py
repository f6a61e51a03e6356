"""Peak memory of training: one epoch of the film reviews' model in a fresh process, rnnfast beside its peers.

    python benchmarks/memory.py --data FOLDER
    python benchmarks/memory.py --rows 512 --peers torch

Everybody trains the same model on the same tokens and batches, on one thread. Counted is the process's peak of resident
memory (VmHWM) over what it holds once its packages are imported: weights, gradients, the optimizer's state, the data,
and whatever else there is. Of a peer's ways the smallest counts. Exit status 1 if rnnfast takes more than half of the
least peer. FOLDER as for real_models.py; docs/benchmarks.md says more.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

from contest import machine, report
from contest.seat import missing_packages
from contest.terms import Terms
from workloads import data, reviews
from workloads.text import TOLERANCE, TextTask

BOUND = 0.5  # of the least peer's peak
PEERS = ("torch", "tensorflow")
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


# The measured process: one way of one contestant.


def _resident(what: str) -> float:
    """VmRSS or VmHWM, in megabytes."""
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith(f"{what}:"))
    return int(line.split()[1]) / 1024


def work(contestant: str, way: str, file: Path) -> dict[str, float]:
    """Train for an epoch: peak and what the imports took, in megabytes, and the mean loss."""
    side = importlib.import_module(f"workloads.{contestant}_text")
    imports = _resident("VmRSS")
    _CLEAR.write_text("5")  # sets VmHWM back to VmRSS
    task: TextTask = pickle.loads(file.read_bytes())
    loss = float(side.EPOCHS[way](task, Terms()))
    return {"peak": _resident("VmHWM") - imports, "imports": imports, "loss": loss}


# The asking side.


def _run(*arguments: str) -> str:
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, env={**os.environ, **_ONE_THREAD}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return done.stdout.splitlines()[-1]


def measure(contestant: str, task: TextTask) -> dict[str, dict[str, float]]:
    """Of every way, what `work` gives."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "task.pickle"
        file.write_bytes(pickle.dumps(task))
        ways = json.loads(_run("--ways", contestant))
        return {way: json.loads(_run("--worker", contestant, way, str(file))) for way in ways}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_folder_argument(parser)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--rows", type=int, default=2000, help="reviews (default 2000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    parser.add_argument("--ways", help=argparse.SUPPRESS)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rows < 1:
        parser.error(f"--rows {arguments.rows}: expected at least 1")
    return arguments


def main() -> int:
    options = _arguments()
    if options.ways:
        print(json.dumps(list(importlib.import_module(f"workloads.{options.ways}_text").EPOCHS)))
        return 0
    if options.worker:
        contestant, way, file = options.worker
        print(json.dumps(work(contestant, way, Path(file))))
        return 0
    if not os.access(_CLEAR, os.W_OK):
        print("memory.py: this system does not say what a process's peak of memory was", file=sys.stderr)
        return 1
    task, about = reviews.task(options.data, options.rows)
    print(about)
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for contestant in ("rnnfast", *options.peers):
        if missing := missing_packages(contestant):
            print(f"{contestant}: not installed ({', '.join(missing)})")
        else:
            figures[contestant] = measure(contestant, task)
    if "rnnfast" not in figures:
        return 1
    ours = min(figure["peak"] for figure in figures["rnnfast"].values())
    rows = [
        [contestant, way, *(f"{figure[name]:.1f}" for name in ("imports", "peak")), f"{ours / figure['peak']:.2f}"]
        for contestant, ways in figures.items()
        for way, figure in ways.items()
    ]
    print(report.render(["contestant", "way", "imports, MB", "peak above, MB", "rnnfast over it"], rows, left=2))
    if options.json:
        written = {"machine": machine.describe(), "about": about, "bound": BOUND, "figures": figures}
        options.json.write_text(json.dumps(written, indent=1) + "\n")
    losses = [figure["loss"] for ways in figures.values() for figure in ways.values()]
    if max(losses) - min(losses) > TOLERANCE * max(losses):
        print(f"memory.py: the losses of the epoch differ: {losses}", file=sys.stderr)
        return 1
    peers = [figure["peak"] for contestant in options.peers for figure in figures.get(contestant, {}).values()]
    return bool(peers) and ours > BOUND * min(peers)


if __name__ == "__main__":
    raise SystemExit(main())
