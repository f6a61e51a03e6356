"""products.py runs, and both sides agree with float64."""

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "products.py"


def test_it_runs_on_a_small_shape(tmp_path):
    command = [sys.executable, str(SCRIPT), "--small", "--seconds", "0"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()[1:]
    assert [row[:8].strip() for row in rows] == ["x W", "dZ W^T", "X^T dZ"]
    for row in rows:
        errors = [float(number) for number in re.findall(r"\d\.\de-\d+", row)]
        assert len(errors) == 2 and max(errors) < 1e-5
