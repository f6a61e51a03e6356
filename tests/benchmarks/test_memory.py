"""memory.py measures a fresh process for every way of every contestant."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "memory.py"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks of resident memory are asked of Linux")
def test_peaks_beside_torch(tmp_path):
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(SCRIPT), "--rows", "64", "--peers", "torch", "--json", str(figures)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.stderr
    written = json.loads(figures.read_text())
    assert written["about"].startswith("64 film reviews of 200 tokens")
    has_torch = importlib.util.find_spec("torch") is not None
    assert list(written["figures"]) == ["rnnfast", "torch"] if has_torch else ["rnnfast"]
    ways = [way for contestant in written["figures"].values() for way in contestant.values()]
    # At least Adam's view of the embedding: weights, gradient and two moments, 10000 x 64 float32 each.
    assert min(way["peak"] for way in ways) > 4 * 10_000 * 64 * 4 / 2**20
    ours = written["figures"]["rnnfast"]["fit"]["peak"]
    peers = [way["peak"] for way in written["figures"].get("torch", {}).values()]
    assert done.returncode == (bool(peers) and ours > written["bound"] * min(peers))


def test_a_system_without_peaks_is_told(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import memory

    monkeypatch.setattr(memory, "_CLEAR", Path("nowhere"))
    monkeypatch.setattr(sys, "argv", ["memory.py"])
    assert memory.main() == 1
    assert "does not say" in capsys.readouterr().err
