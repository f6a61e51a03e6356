"""versus.py on tiny cases: answers agree, and the tables have their rows. Never a time."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
INSTALLED = [
    name
    for name, packages in {
        "torch": ["torch"],
        "onnxruntime": ["onnxruntime", "onnx"],
        "openvino": ["openvino", "onnx"],
    }.items()
    if all(importlib.util.find_spec(package) for package in packages)
]
TINY = [
    dict(name="a", cell="lstm", layers=2, bi=True, units=5, t=4, b=3, mode=["infer", "train"]),
    dict(name="b", cell="gru", layers=2, bi=False, units=4, t=1, b=1, mode=["stream"]),
    dict(name="c", cell="gru", layers=1, bi=True, units=7, t=3, b=2, mode=["infer", "train"]),
    dict(name="d", cell="rnn", layers=1, bi=False, units=6, t=3, b=32, mode=["infer", "stream", "train"]),
]
TINY_MODES = [(case["name"], mode) for case in TINY for mode in case["mode"]]


@pytest.fixture(scope="module")
def tiny_cases(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmarks") / "cases.json"
    path.write_text(json.dumps({"cases": [{"in": 3, **case} for case in TINY]}))
    return path


@pytest.fixture
def contest(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def run_versus(*arguments):
    command = [sys.executable, str(BENCHMARKS / "versus.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def rows_of(output):
    """Case and mode of each row of the tables."""
    cells = [[cell.strip() for cell in line.split("|")] for line in output.splitlines() if line.startswith("| ")]
    return [(row[1], row[2]) for row in cells if row[1] != "case" and not row[1].startswith("---")]


@pytest.mark.skipif(not INSTALLED, reason="none of torch, onnxruntime, openvino is installed")
def test_peers_agree_and_every_case_has_its_row(tiny_cases, tmp_path):
    figures = tmp_path / "figures.json"
    done = run_versus("--cases", tiny_cases, "--seconds", 0, "--json", figures)
    assert done.returncode == 0, done.stderr
    expected = [(name, mode) for name, mode in TINY_MODES if mode != "train" or "torch" in INSTALLED]
    assert rows_of(done.stdout) == expected
    assert "geometric mean, infer and stream (5 cases):" in done.stdout
    assert "worst case:" in done.stdout
    for row in json.loads(figures.read_text())["peers"]:
        peers = [name for name in INSTALLED if row["mode"] != "train" or name == "torch"]
        assert list(row["microseconds"]) == ["rnnfast", *peers]
        best = min(row["microseconds"][name]["median"] for name in peers)
        assert row["ratio"] == pytest.approx(best / row["microseconds"]["rnnfast"]["median"])


def test_reference_and_scaling_tables(tiny_cases):
    arguments = ["--cases", tiny_cases, "--mode", "infer", "--seconds", 0, "--peers", "--reference", "--scaling"]
    done = run_versus(*arguments)
    assert done.returncode == 0, done.stderr
    reference = [(f"{cell} H=128 batch {batch}", "infer") for batch in (32, 1) for cell in ("lstm", "gru", "rnn")]
    assert rows_of(done.stdout) == [*reference, ("d", "infer")]


def test_unknown_case_is_refused_with_the_known_names(tiny_cases):
    done = run_versus("--cases", tiny_cases, "--case", "nothing")
    assert done.returncode == 2
    assert "--case nothing: expected one of a, b, c, d" in done.stderr


def test_public_cases_are_read(contest):
    from contest.case import MODES, load_cases

    cases = load_cases()
    assert len(cases) == len({case.name for case in cases}) > 0
    assert all(set(case.modes) <= set(MODES) for case in cases)


@pytest.mark.parametrize("wrong", [1.001, np.nan])
def test_a_wrong_answer_is_refused_with_its_place(contest, wrong):
    from contest.referee import DisagreementError, check_agreement

    right = {"output": np.array([0.5, -1.0]), "gradient": np.array([1.0, 2.0])}
    check_agreement("place", right, {**right, "output": np.array([0.50001, -1.0])})
    with pytest.raises(DisagreementError, match="place: output differs"):
        check_agreement("place", right, {**right, "output": np.array([0.5, -wrong])})
    with pytest.raises(DisagreementError, match="place: output has shape"):
        check_agreement("place", right, {**right, "output": np.array([0.5])})
    with pytest.raises(DisagreementError, match="place: answers"):
        check_agreement("place", right, {"output": right["output"]})


def test_geometric_means_cap_training_only(contest):
    from contest.case import load_cases
    from contest.referee import Outcome, Timing
    from contest.report import summary

    def outcome(mode, ratio):
        timings = {"rnnfast": Timing(1.0, 1.0, 1, ""), "peer": Timing(ratio, ratio, 1, "")}
        return Outcome(load_cases()[0], mode, "rnnfast", timings)

    lines = summary([outcome("infer", 16.0), outcome("stream", 1.0), outcome("train", 16.0), outcome("train", 1.0)])
    assert [line.rsplit(": ", 1)[1] for line in lines[:2]] == ["4.000", "2.000"]
    assert lines[2].endswith("stream: 1.000")
