"""training_precision.py runs, and says what this machine does at every precision."""

import re
import subprocess
import sys
from pathlib import Path

from rnnfast.precision import training_formats

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "training_precision.py"


def test_it_runs_on_a_small_layer(tmp_path):
    command = [sys.executable, str(SCRIPT), "--small", "--seconds", "0"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    formats, row = done.stdout.splitlines()
    assert formats == "; ".join(f"{precision}: {kept_in}" for precision, kept_in in training_formats().items())
    moved = [float(number) for number in re.findall(r"off by (\S+)", row)]
    assert len(moved) == sum(kept_in != "full" for kept_in in training_formats().values())
    assert all(0 < error < 2e-2 for error in moved)
