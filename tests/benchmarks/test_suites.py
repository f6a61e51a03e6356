"""The asv suites: asv finds them, and every benchmark runs in its smallest size. Never a time."""

import importlib.util
import math
import subprocess
import sys
from pathlib import Path

import pytest

import rnnfast

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def suites(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield
    rnnfast.set_num_threads(None)  # they run on one


@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
@pytest.mark.parametrize("side", ["track_rnnfast", "track_reference"])
@pytest.mark.parametrize("kind", ["Forward", "TrainingStep"])
def test_throughput_is_a_rate(monkeypatch, kind, side, cell):
    from suites import rates, shapes, throughput

    monkeypatch.setattr(rates, "SECONDS", 0.0)
    assert "64x32" in shapes.SIZES
    benchmark = getattr(throughput, kind)()
    benchmark.setup(cell, "64x32")
    rate = getattr(benchmark, side)(cell, "64x32")
    assert math.isfinite(rate)
    assert rate > 0


@pytest.mark.parametrize("kind", ["Inference", "Streaming"])
def test_every_precision_is_a_rate(monkeypatch, kind):
    from suites import precisions, rates

    monkeypatch.setattr(rates, "SECONDS", 0.0)
    benchmark = getattr(precisions, kind)
    cells, sizes, names = benchmark.params
    assert {"high", "bfloat16", "int8"} <= set(names)
    try:
        for precision in names:
            rate = benchmark().track_rnnfast(cells[0], sizes[0], precision)
            assert math.isfinite(rate)
            assert rate > 0
    finally:
        rnnfast.set_float32_matmul_precision("highest")


def test_memory_benchmarks_run():
    from suites.memory import PeakMemory

    benchmark = PeakMemory()
    benchmark.setup()
    for name in dir(benchmark):
        if name.startswith("peakmem_"):
            getattr(benchmark, name)()


def test_startup_benchmarks_give_programs(tmp_path):
    from suites.startup import Import

    for name in dir(Import):
        if name.startswith("timeraw_"):
            subprocess.run([sys.executable, "-c", getattr(Import(), name)()], check=True, cwd=tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("asv") is None, reason="asv is not installed")
def test_asv_finds_the_suites(tmp_path):
    """asv imports every suite and checks its benchmarks' names and arguments."""
    config = str(BENCHMARKS / "asv.conf.json")
    command = [sys.executable, "-m", "asv", "check", "--config", config, "--environment", f"existing:{sys.executable}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
