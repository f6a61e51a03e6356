"""The demo: its accuracy, its files and its output, its parts, and what it says when it cannot run."""

import re
import sys

import numpy as np
import pytest

import rnnfast
from rnnfast import cli
from rnnfast.demo import contest, program, terminal

for _module in ("sklearn", "matplotlib", "h5py"):
    pytest.importorskip(_module, reason='needs the extra "demo"')


@pytest.mark.parametrize("seed", [0, 1])
def test_the_demo_as_newcomers_run_it(seed, tmp_path, capsys):
    assert cli.main(["demo", "--output-dir", str(tmp_path / "new"), "--seed", str(seed)]) == 0
    printed, errors = capsys.readouterr()
    last = printed.splitlines()[-1]
    accuracy = re.fullmatch(r"test accuracy (0\.\d{3}|1\.000)", last)
    assert accuracy is not None
    assert float(accuracy[1]) >= 0.97
    assert "predicts the same, bit for bit" in printed
    assert "Traceback" not in errors
    assert (tmp_path / "new" / "rnnfast-demo.png").read_bytes().startswith(b"\x89PNG")

    engine = rnnfast.InferenceModel(tmp_path / "new" / "digits.keras")
    _, x_test, _, y_test = program.load_digits(seed)
    assert f"{np.mean(engine(x_test).argmax(axis=1) == y_test):.3f}" == accuracy[1]


def test_a_seed_repeats(tmp_path, capsys):
    weights = []
    for name in ("a", "b"):
        assert cli.main(["demo", "--epochs", "1", "--output-dir", str(tmp_path / name)]) == 0
        weights.append(rnnfast.load_model(tmp_path / name / "digits.keras").get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def test_split_is_stratified():
    x_train, x_test, y_train, y_test = program.load_digits(0)
    assert x_train.shape == (1347, 8, 8)
    assert x_test.shape == (450, 8, 8)
    assert x_train.min() == 0.0
    assert x_train.max() == 1.0
    shares = np.bincount(y_train) / len(y_train) - np.bincount(y_test) / len(y_test)
    assert np.abs(shares).max() < 0.002


def test_baseline_is_the_same_model():
    rnnfast.utils.set_random_seed(3)
    model = program.build_model()
    scans = np.random.default_rng(3).random((20, 8, 8), dtype=np.float32)
    digits = np.arange(20) % 10
    np.testing.assert_allclose(
        contest.reference_predict(model.get_weights(), scans), model.predict(scans, verbose=0), atol=1e-6
    )
    # One step of plain gradient descent shows the gradients that training used.
    before = model.get_weights()
    gradients = contest.reference_gradients(before, scans, digits)
    plain = rnnfast.Sequential([layer for layer in model.layers if "dropout" not in layer.name])
    plain.compile(optimizer=rnnfast.optimizers.SGD(1.0), loss="sparse_categorical_crossentropy")
    plain.train_on_batch(scans, digits)
    for old, new, gradient in zip(before, plain.get_weights(), gradients, strict=True):
        np.testing.assert_allclose(old - new, gradient, atol=1e-6)


def test_calls_take_turns():
    order = []
    contest.medians(lambda: order.append("a"), lambda: order.append("b"), rounds=3)
    assert order == ["a", "b"] * 3


def test_hardest_to_read_is_read_right_in_the_end():
    beliefs = np.eye(3)[np.array([[0, 1, 2, 0], [0, 1, 1, 1], [0, 0, 0, 0]])]
    assert program.hardest_to_read(beliefs, np.array([1, 1, 0])) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_reading_is_drawn_in_what_the_terminal_has(encoding, capsys, monkeypatch):
    monkeypatch.setattr(terminal, "can_show", lambda text: encoding == "utf-8")
    terminal.print_reading(np.array([[0.0, 1.0]]), np.array([[0.0, 0.25, 0.75]]))
    lines = capsys.readouterr().out.splitlines()
    full, low, high = ("█", "▂", "▆") if encoding == "utf-8" else ("@", ".", "+")
    assert lines == ["        0  1  2", f"    {full}{full}     {low}  {high}   2  75%"]


@pytest.mark.parametrize("module", ["sklearn", "matplotlib", "h5py"])
def test_missing_extra_is_named(module, monkeypatch, capsys, tmp_path):
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    assert cli.main(["demo", "--output-dir", str(tmp_path)]) == 2
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert 'pip install "rnnfast[demo]"' in errors
    assert list(tmp_path.iterdir()) == []


def test_output_directory_that_is_a_file(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert cli.main(["demo", "--output-dir", str(tmp_path / "file")]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--epochs", "0"], ["--epochs", "many"], ["--seed", "-1"], ["--seed", "1.5"]])
def test_bad_options(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo", *arguments])
    assert stop.value.code == 2
    assert arguments[0] in capsys.readouterr().err
