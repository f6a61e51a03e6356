"""roofline.py: its arithmetic by hand, and that it runs. Never a time."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
COMPILER = next(filter(None, map(shutil.which, filter(None, [os.environ.get("CXX"), "c++", "g++", "clang++"]))), None)


@pytest.fixture
def roofline(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import roofline

    return roofline


def make_case(**changes):
    from contest.case import Case

    fields = dict(name="x", cell="lstm", layers=1, bidirectional=False, inputs=3, units=5, steps=7, batch=2)
    return Case(**{**fields, "modes": (), **changes})


def test_multiply_adds_by_hand(roofline):
    assert roofline.multiply_adds(make_case(), "infer") == 7 * 2 * 4 * 5 * (3 + 5)
    assert roofline.multiply_adds(make_case(), "stream") == 2 * 4 * 5 * (3 + 5)
    # forward; dh, dU, dW, and no dx in the first layer
    assert roofline.multiply_adds(make_case(), "train") == 7 * 2 * 4 * 5 * ((3 + 5) + 5 + 5 + 3)
    two = make_case(cell="gru", layers=2, bidirectional=True)
    assert roofline.multiply_adds(two, "infer") == 2 * 7 * 2 * 3 * 5 * ((3 + 5) + (10 + 5))
    first, second = (3 + 5) + 5 + 5 + 3, (10 + 5) + 5 + 5 + 10 + 10
    assert roofline.multiply_adds(two, "train") == 2 * 7 * 2 * 3 * 5 * (first + second)


def test_the_tighter_limit_binds(roofline):
    case = make_case()
    kernel, recurrent = 4 * 4 * 5 * 3, 4 * 4 * 5 * 5  # bytes
    sizes = [1, 2**30]
    slow_reads = roofline.Limits({"float32": 1e30}, [(size, 1.0) for size in sizes])
    assert roofline.floor_seconds(case, "infer", slow_reads) == (pytest.approx(kernel + 7 * recurrent), "reads")
    assert roofline.floor_seconds(case, "train", slow_reads) == (pytest.approx(kernel + 14 * recurrent), "reads")
    assert roofline.floor_seconds(case, "stream", slow_reads) == (pytest.approx(kernel + recurrent), "reads")
    slow_sums = roofline.Limits({"float32": 2.0}, [(size, 1e30) for size in sizes])
    expected = roofline.multiply_adds(case, "infer")
    assert roofline.floor_seconds(case, "infer", slow_sums) == (pytest.approx(expected), "multiply-adds")


def test_a_precision_has_its_own_bytes_and_peak(roofline):
    case = make_case()
    kernel, recurrent = 4 * 5 * 3, 4 * 5 * 5  # weights
    sizes = [1, 2**30]
    slow_reads = roofline.Limits({"float32": 1e30}, [(size, 1.0) for size in sizes])
    for precision, size in (("float32", 4), ("high", 4), ("bfloat16", 2), ("int8", 1)):
        expected = size * (kernel + 7 * recurrent)
        assert roofline.floor_seconds(case, "infer", slow_reads, precision) == (pytest.approx(expected), "reads")

    limits = roofline.Limits({"float32": 2.0, "bfloat16": 9.0, "int8": 1.0}, [(size, 1e30) for size in sizes])
    wanted = {"float32": 2.0, "bfloat16": 9.0, "high": 3.0, "int8": 2.0}  # nothing has to be slower than float32
    assert {precision: limits.operations(precision) for precision in wanted} == wanted


def test_shares_are_grouped_by_what_binds(roofline, monkeypatch):
    monkeypatch.setattr(roofline.machine, "cache_bytes", lambda level: 4 * 4 * 5 * 5)
    assert roofline._kind(make_case(), "infer", "multiply-adds", "float32") == "multiply-adds"
    assert roofline._kind(make_case(), "infer", "reads", "float32") == "reads, batch 2, weights fit L2"
    assert roofline._kind(make_case(), "stream", "reads", "float32") == "reads, batch 2, weights from L3"


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler: roofline.py skips too")
def test_it_runs_on_a_tiny_case(tmp_path):
    cases = tmp_path / "cases.json"
    tiny = {"name": "tiny", "cell": "gru", "layers": 1, "bi": False, "in": 3, "units": 5, "t": 4, "b": 2}
    cases.write_text(json.dumps({"cases": [{**tiny, "mode": ["infer", "stream", "train"]}]}))
    command = [sys.executable, str(BENCHMARKS / "roofline.py"), "--cases", str(cases), "--seconds", "0"]
    command += ["--precision", "float32", "int8"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:3] for line in done.stdout.splitlines() if line.startswith("| tiny")]
    assert [row[1].strip() for row in rows] == ["infer", "stream", "train", "infer", "stream"]
    assert re.search(r"peak operations \d+ G/s float32", done.stdout)


def test_without_a_compiler_it_says_so(roofline, monkeypatch):
    monkeypatch.setattr(roofline.shutil, "which", lambda name: None)
    assert roofline.measure_limits() is None
