"""options.py steps every layer of its table, with the option in force. Never a time."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def options(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    import options

    return options


def test_every_option_of_every_cell(options, tmp_path):
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(BENCHMARKS / "options.py"), "--batch", "2", "--steps", "3", "--seconds", "0"]
    done = subprocess.run([*command, "--json", str(figures)], capture_output=True, text=True)
    assert not done.stderr
    written = json.loads(figures.read_text())
    wanted = [(cell, option.name) for cell in options.CELLS for option in options.OPTIONS if cell in option.cells]
    assert [(row["cell"], row["option"]) for row in written["rows"]] == wanted
    assert done.returncode == any(row["ratio"] > written["bound"] for row in written["rows"])
    assert all(row["milliseconds"] > 0 for row in written["rows"])


def test_an_option_changes_what_is_learnt(options, monkeypatch):
    built = {}

    class Watched(options.CELLS["gru"]):
        def build(self, shape):
            super().build(shape)
            built[self.name] = self

    monkeypatch.setitem(options.CELLS, "gru", Watched)
    without_effect = {"mask, every step", "max_norm", "peephole", "projection_size"}
    gradients = {}
    for option in (options.PLAIN, *(o for o in options.OPTIONS if "gru" in o.cells)):
        built.clear()
        options.training_step("gru", option, 3, 4)()
        (layer,) = built.values()
        gradients[option.name] = [variable.grad for variable in layer.trainable_weights]
    plain = gradients.pop("plain")
    same = {name for name, others in gradients.items() if all(map(np.array_equal, plain, others))}
    assert same == without_effect & set(gradients)
