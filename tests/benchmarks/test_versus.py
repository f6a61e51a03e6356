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
        "tensorflow": ["tensorflow", "keras"],
        "jax": ["jax"],
    }.items()
    if all(importlib.util.find_spec(package) for package in packages)
]
TRAINERS = [name for name in INSTALLED if name in ("torch", "tensorflow", "jax")]
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


@pytest.mark.skipif(not INSTALLED, reason="no peer is installed")
def test_peers_agree_and_every_case_has_its_row(tiny_cases, tmp_path):
    figures = tmp_path / "figures.json"
    done = run_versus("--cases", tiny_cases, "--seconds", 0, "--json", figures)
    assert done.returncode == 0, done.stderr
    assert rows_of(done.stdout) == [(name, mode) for name, mode in TINY_MODES if mode != "train" or TRAINERS]
    assert "geometric mean, infer and stream (5 cases):" in done.stdout
    assert "worst case, weights fit L2:" in done.stdout
    found = json.loads(figures.read_text())
    assert {"processor", "cpus", "date", "python"} <= found["machine"].keys()
    (section,) = found["sections"]
    assert (section["kind"], section["precision"], section["threads"]) == ("peers", "float32", 1)
    assert list(section["versions"]) == ["rnnfast", *INSTALLED]
    for row in section["rows"]:
        peers = TRAINERS if row["mode"] == "train" else INSTALLED
        assert list(row["microseconds"]) == ["rnnfast", *peers]
        best = min(row["microseconds"][name]["median"] for name in peers)
        assert row["ratio"] == pytest.approx(best / row["microseconds"]["rnnfast"]["median"])


@pytest.mark.skipif("onnxruntime" not in INSTALLED, reason="onnxruntime is not installed")
def test_a_precision_is_compared_with_the_peers_precisions_that_it_names(tiny_cases, tmp_path):
    figures = tmp_path / "figures.json"
    options = ["--precision", "high", "int8", "--peers", "onnxruntime", "--optimize-for", "latency", "throughput"]
    done = run_versus("--cases", tiny_cases, "--seconds", 0, "--json", figures, *options)
    assert done.returncode == 0, done.stderr
    served = [(name, mode) for name, mode in TINY_MODES if mode != "train"]
    assert rows_of(done.stdout) == 2 * served
    high, int8 = json.loads(figures.read_text())["sections"]
    assert (high["precision"], int8["precision"]) == ("high", "int8")
    for row in int8["rows"]:
        variant = row["microseconds"]["onnxruntime"]["variant"]
        assert variant in (["float32, bound", "int8, bound"] if row["case"]["cell"] == "lstm" else ["float32, bound"])


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
    check_agreement("place", right, {**right, "output": np.array([0.50001, -1.0])}, 1e-4)
    with pytest.raises(DisagreementError, match="place: output differs"):
        check_agreement("place", right, {**right, "output": np.array([0.5, -wrong])}, 1e-4)
    with pytest.raises(DisagreementError, match="place: output differs"):
        check_agreement("place", right, {**right, "output": np.array([0.50001, -1.0])}, 1e-6)
    with pytest.raises(DisagreementError, match="place: output has shape"):
        check_agreement("place", right, {**right, "output": np.array([0.5])}, 1e-4)
    with pytest.raises(DisagreementError, match="place: answers"):
        check_agreement("place", right, {"output": right["output"]}, 1e-4)


def make_outcome(mode, ratio, other=None, **changes):
    """rnnfast beside torch, which takes `ratio` times as long, and jax, which takes `other` times as long."""
    from contest.case import Case
    from contest.referee import Outcome, Timing

    fields = dict(name="x", cell="lstm", layers=1, bidirectional=False, inputs=4, units=16, steps=8, batch=1)
    taken = {"rnnfast": 1.0, "torch": ratio, "jax": other}
    timings = {label: Timing.of([1e3 * time], "") for label, time in taken.items() if time is not None}
    return Outcome(Case(**{**fields, "modes": (mode,), **changes}), mode, "rnnfast", timings)


def figures_of(outcomes, **options):
    from contest.summary import summary

    return dict(line.rsplit(": ", 1) for line in summary(outcomes, **options))


def test_geometric_means_cap_training_only(contest):
    outcomes = [make_outcome(mode, ratio) for mode in ("infer", "train") for ratio in (16.0, 1.0)]
    figures = figures_of(outcomes)
    assert figures["geometric mean, infer and stream (2 cases)"] == "4.000"
    assert figures["geometric mean, train, each capped at 4 (2 cases)"] == "2.000"
    assert figures["worst case, train: x, train"] == "1.000"


def test_groups_go_by_batch_and_width(contest):
    outcomes = [make_outcome("infer", ratio, batch=batch) for batch, ratio in ((1, 2), (2, 3), (31, 3), (32, 5))]
    outcomes += [make_outcome("stream", 8), make_outcome("infer", 7, units=512), make_outcome("train", 9, batch=32)]
    figures = figures_of(outcomes)
    assert figures["geometric mean, infer and stream, batch 1 (3 cases)"] == f"{(2 * 8 * 7) ** (1 / 3):.3f}"
    assert figures["geometric mean, infer, batch 2 to 31 (2 cases)"] == "3.000"
    assert figures["geometric mean, infer, batch 32 and above (1 case)"] == "5.000"
    assert figures["geometric mean, batch 1, 512 units and wider (1 case)"] == "7.000"


def test_training_is_also_compared_with_torch_alone(contest):
    figures = figures_of([make_outcome("train", 3.0, other=1.5)])
    assert figures["geometric mean, train, each capped at 4 (1 case)"] == "1.500"
    assert figures["geometric mean, train over torch, each capped at 4 (1 case)"] == "3.000"
    assert figures["worst case, train over torch: x, train"] == "3.000"


def test_the_worst_case_is_split_by_where_weights_lie(contest):
    near, far = make_outcome("infer", 3.0, name="near", units=16), make_outcome("infer", 2.0, name="far", units=32)
    l2_bytes = 4 * 4 * 16 * 16  # one recurrent kernel of the narrow one in float32
    figures = figures_of([near, far], l2_bytes=l2_bytes)
    assert figures["worst case, weights fit L2: near, infer"] == "3.000"
    assert figures["worst case, weights from L3: far, infer"] == "2.000"
    assert "worst case, weights fit L2: far, infer" in figures_of([near, far], precision="int8", l2_bytes=l2_bytes)


def test_a_precision_names_what_peers_may_use(contest):
    from contest.terms import Terms, peer_terms

    assert peer_terms(Terms(2, "high", "throughput")) == [Terms(2, "float32")]
    assert peer_terms(Terms(2, "bfloat16")) == [Terms(2, "bfloat16")]
    assert [terms.precision for terms in peer_terms(Terms(1, "int8"))] == ["float32", "bfloat16", "int8"]
