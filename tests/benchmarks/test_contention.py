"""contention.py runs every situation and says where it stands to its bound."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "contention.py"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_a_small_case(tmp_path):
    command = [sys.executable, str(SCRIPT), "--case", "amp_block", "--seconds", "0"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert not done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [row[0] for row in rows] == ["threads", "processor", "half", "processes"]
    for row in rows:
        if row[1] == "amp_block":  # else: no control groups
            before, within, ratio, bound = (float(number) for number in row[2:6])
            assert ratio == pytest.approx(within / before, rel=0.2, abs=0.02)
            assert ("above" in row) == (ratio > bound)
