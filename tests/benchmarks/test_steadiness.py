"""steadiness.py runs every part on small models, and its checks of answers see what is wrong. Never a time."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rnnfast import _engine

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def steady(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import steady

    return steady


@pytest.mark.skipif("avx2" not in _engine.cpu_info()["available"], reason="no AVX2 here")
def test_every_part(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "steadiness.py"), "--small", "--seconds", "0"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert not done.stderr
    lines = done.stdout.splitlines()
    totals = [line.split() for line in lines if line.endswith("wrong") and line.split()[1].isdigit()]
    assert [(part, count) for part, count, *_ in totals] == [("hostile:", "84"), ("sizes:", "12"), ("baseline:", "2")]
    assert done.returncode == any(int(total[3]) for total in totals)
    for fault in ("the reference", "finite changes"):  # times may be anything here, answers not
        assert fault not in done.stdout


def test_units_are_padded_to_vectors(steady):
    from steady import sizes

    assert all(sizes.padded(units) >= units > sizes.padded(units) - 16 for units in sizes.UNITS)
    assert sizes.padded(32) == 32


def test_wrong_answers_are_seen(steady):
    from steady import hostile

    case = hostile.Case("hostile", "gru", 1, False, 2, 3, 6, 4, ())
    model = hostile._model(case)
    x = np.random.default_rng(0).standard_normal((4, 6, 2), dtype=np.float32)
    spoilt = hostile.HOSTILE["NaN"](x)
    normal, bad = (hostile._run(case, model, "train", "float32", data)() for data in (x, spoilt))

    def fault(data, **changed):
        return hostile._fault(case, model, "float32", normal, data, bad._replace(**changed))

    assert fault(spoilt) == ""
    spread = bad.y.copy()
    spread[1, 4] = np.nan
    assert "other rows, or steps" in fault(spoilt, y=spread)
    spread = bad.dx.copy()
    spread[1, 4] = np.nan
    assert "gradients of other rows" in fault(spoilt, dx=spread)
    assert "NaN elsewhere" in fault(spoilt, y=normal.y)
    assert fault(x, y=normal.y + 1) == "not the reference's answer"


def test_turns_are_shared(steady):
    from steady import turns

    taken = []
    times = turns.in_turns([lambda: taken.append("a"), lambda: taken.append("b")], 0)
    assert [len(samples) for samples in times] == [5, 5]
    assert min(min(samples) for samples in times) > 0
    assert set(taken) == {"a", "b"}
