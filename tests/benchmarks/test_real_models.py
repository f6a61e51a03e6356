"""real_models.py on little data: answers agree and every figure is there. Never a time."""

import importlib.util
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def workloads(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_every_workload_runs_beside_torch(tmp_path):
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(BENCHMARKS / "real_models.py"), "--rows", "32", "--streams", "5", "--seconds", "0"]
    done = subprocess.run([*command, "--peers", "torch", "--json", str(figures)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (section,) = json.loads(figures.read_text())["workloads"]
    assert [(row["workload"], row["mode"], row["figure"]) for row in section["rows"]] == [
        ("reviews", "train", "seconds per epoch"),
        ("char_lm", "train", "tokens per second"),
        ("char_lm", "write", "tokens per second"),
        ("denoiser", "serve", "latency p50, us"),
        ("denoiser", "serve", "latency p99, us"),
        ("denoiser", "serve", "latency p99.9, us"),
    ]
    for row in section["rows"]:
        ours, theirs = row["values"]["rnnfast"], row["values"]["torch"]
        better = ours / theirs if row["figure"] == "tokens per second" else theirs / ours
        assert row["ratios"] == {"torch": pytest.approx(better)}


def test_real_reviews_are_read(workloads, tmp_path):
    from workloads import data

    texts = {"neg/a.txt": "bad bad film", "pos/b.txt": "good good good film film film", "pos/c.txt": "rare"}
    for name, text in texts.items():
        path = tmp_path / "txt_sentoken" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with tarfile.open(tmp_path / data.REVIEWS, "w:gz") as archive:
        archive.add(tmp_path / "txt_sentoken", "txt_sentoken")
    tokens, labels, source = data.reviews(tmp_path, vocabulary=5, steps=4, count=10)
    assert source == data.REVIEWS
    assert labels.tolist() == [0, 1, 1]
    # film 2, good 3, bad 4; all others 1; cut at four words, padded with 0
    assert tokens.tolist() == [[4, 4, 2, 0], [3, 3, 3, 2], [1, 0, 0, 0]]


def test_generated_text_stands_in_for_missing_data(workloads, tmp_path):
    from workloads import data

    tokens, labels, source = data.reviews(tmp_path, vocabulary=100, steps=30, count=50)
    assert source == "generated text"
    assert tokens.shape == (50, 30) and tokens.min() >= 0 and tokens.max() < 100
    assert set(labels.tolist()) == {0, 1}
    text, count, source = data.characters(None)
    assert source == "generated text" and text.max() < count
    (tmp_path / data.SHAKESPEARE).write_text("abba")
    text, count, source = data.characters(tmp_path)
    assert (text.tolist(), count, source) == ([0, 1, 1, 0], 2, data.SHAKESPEARE)


def test_latencies_count_from_when_a_step_was_due(workloads, monkeypatch):
    from contest.work import stream_work
    from workloads import service

    class Stream:
        def __init__(self):
            self.taken = []
            opened.append(self)

        def step(self, x):
            nonlocal now
            now += 100
            self.taken.append(x)

        def output(self):
            return np.zeros((1, 1, 1))

    opened: list = []
    now = 0
    monkeypatch.setattr(service.time, "perf_counter_ns", lambda: now)
    work = stream_work(Stream, [10, 11], "")
    opened.clear()
    desk = service._Desk(work, streams=3, rate=1e9 / 50)  # a step every 50 ns, and it takes 100: each waits longer
    assert desk.slice(300e-9) == [100 + 50 * index for index in range(6)]
    assert [stream.taken for stream in opened] == [[10, 10, 11], [10, 11, 10], [10, 10, 11]]
