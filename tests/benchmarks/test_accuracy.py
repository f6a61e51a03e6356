"""accuracy.py on little data: every precision has its row, and the exit status follows from the bounds."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def accuracy(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import accuracy

    return accuracy


def test_every_precision_of_every_workload(accuracy):
    pytest.importorskip("sklearn")
    command = [sys.executable, str(BENCHMARKS / "accuracy.py"), "--rows", "20", "--epochs", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("  ")]
    names = [row[0] for row in rows if row[0] != "precision"]
    assert names == list(accuracy.SETTINGS) * len(accuracy.WORKLOADS)
    missed = [row for row in rows if row[0] != "precision" and len(row) > 5]
    assert done.returncode == bool(missed)


def test_a_tally_counts_answers(accuracy):
    y = np.array([0, 1, 1])
    plain = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    narrow = np.array([[0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])  # the second row has changed sides
    full, other = (accuracy.tally(p, plain, plain, y) for p in (plain, narrow))
    assert (full.right, full.flips, full.error) == (2, 0, 0)
    assert (other.right, other.flips, other.answers) == (1, 1, 3)
    assert other.error == pytest.approx((2 * 0.4**2 / 6) ** 0.5)
    assert accuracy.accuracy(full + other) == pytest.approx(50)
    assert accuracy.perplexity(full) == pytest.approx((0.9 * 0.8 * 0.4) ** (-1 / 3))


def test_bounds_hold_either_way(accuracy):
    judged = accuracy.WORKLOADS["digits"]
    plain = accuracy.Tally(answers=1000, right=900, square_error=1e-10, probabilities=1000)
    assert accuracy.misses("int8", judged, plain._replace(right=905), plain) == []
    assert accuracy.misses("int8", judged, plain._replace(right=894), plain)
    assert accuracy.misses("bfloat16", judged, plain._replace(right=902), plain)
    assert accuracy.misses("throughput", judged, plain._replace(square_error=1.1e-10), plain)
    assert accuracy.misses("float32", judged, plain, plain) == []
