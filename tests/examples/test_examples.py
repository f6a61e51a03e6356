"""Every example runs, on generated data, and says something that can be true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

# Arguments that make it small, what it prints at the end, and the range of the number in that.
PROGRAMS = {
    "text_classifier": (["--epochs", "1", "--rows", "200"], r"validation accuracy ([\d.]+)", (0.2, 0.9)),
    "lstm_and_gru": (["--epochs", "15"], r"GRU: validation accuracy ([\d.]+)", (0.6, 1.0)),
    "forecast": (["--epochs", "1"], r"LSTM: root mean squared error of the next day ([\d.]+) C", (2.3, 3.2)),
    "custom_recurrent": (["--steps", "240"], r"first symbol remembered: ([\d.]+)", (0.8, 1.0)),
    "numpy_rnn": ([], r"largest difference in any loss or weight: ([\d.e-]+)", (0.0, 1e-12)),
    "film_reviews": (["--epochs", "1", "--rows", "100"], r"validation accuracy ([\d.]+)", (0.2, 0.9)),
    "shakespeare": (["--epochs", "1", "--characters", "30000"], r"held-out perplexity ([\d.]+)", (20, 65)),
    "pollution": (["--epochs", "1", "--rows", "2000"], r"GRU: root mean squared error ([\d.]+) ug", (0.1, 20)),
    "temperatures": (["--epochs", "2"], r"mean absolute error ([\d.]+) C", (1.9, 2.4)),
}
DRAWING = {"film_reviews", "shakespeare", "pollution", "temperatures"}


def test_every_example_is_run():
    helpers = {"example_data"}
    assert {file.stem for file in EXAMPLES.glob("*.py")} == PROGRAMS.keys() | helpers


@pytest.mark.parametrize("name", PROGRAMS)
def test_example(name, tmp_path):
    arguments, pattern, (low, high) = PROGRAMS[name]
    if name in DRAWING:
        pytest.importorskip("matplotlib", reason="the example draws")
        arguments = [*arguments, "--figure", str(tmp_path / "figure.png")]
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments],
        capture_output=True, text=True, cwd=tmp_path, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = re.findall(pattern, done.stdout)
    assert found, done.stdout
    assert low <= float(found[-1]) <= high
    if name in DRAWING:
        assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
