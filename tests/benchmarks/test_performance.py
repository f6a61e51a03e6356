"""performance.py: figures of several runs become one page and one figure; runs of different machines do not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "performance.py"
MACHINE = {
    "processor": "some CPU", "cpus": 2, "l2_bytes": 1 << 20, "system": "some system", "python": "3.11",
    "date": "2026-01-02",
}  # fmt: skip


def row(name, peer, mode="infer"):
    case = dict(name=name, cell="lstm", layers=1, bidirectional=False, inputs=4, units=16, steps=8, batch=1)
    timing = dict(best=1.0, p99=1.0, p999=1.0, samples=3, variant="")
    times = {"rnnfast": {"median": 10.0, **timing}, "torch": {"median": peer, **timing}}
    return {"case": {**case, "modes": [mode]}, "mode": mode, "leader": "rnnfast", "microseconds": times}


def section(*rows, precision="float32", threads=1):
    versions = {"rnnfast": "1.2", "torch": "3.4"}
    return {"kind": "peers", "precision": precision, "threads": threads, "versions": versions, "rows": list(rows)}


@pytest.fixture
def write(tmp_path):
    """Runs performance.py over files of these contents."""

    def run(*contents):
        files = []
        for index, content in enumerate(contents):
            files.append(tmp_path / f"{index}.json")
            files[-1].write_text(json.dumps({"machine": MACHINE, **content}))
        command = [sys.executable, str(SCRIPT), *map(str, files), "--page", str(tmp_path / "page.md")]
        return subprocess.run(command, capture_output=True, text=True)

    return run


def test_tables_of_several_files_are_joined(write, tmp_path):
    pytest.importorskip("matplotlib")
    workload = {
        "workload": "reviews", "mode": "train", "about": "some reviews", "figure": "seconds per epoch", "digits": 2,
        "values": {"rnnfast": 0.5, "torch": 1.25}, "ratios": {"torch": 2.5}, "variants": {},
    }  # fmt: skip
    models = {"threads": 1, "versions": {"rnnfast": "1.2", "torch": "3.4"}, "rows": [workload]}
    done = write(
        {"sections": [section(row("one", 20.0), row("two", 20.0))]},
        {"sections": [section(row("two", 80.0)), section(row("one", 30.0), precision="int8", threads=2)]},
        {"workloads": [models], "machine": {**MACHINE, "date": "2026-01-05"}},
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.md").read_text()
    assert "Measured on 2026-01-02 to 2026-01-05: some CPU, 2 CPUs, 1 MB of second-level cache" in page
    assert "## Against peers: float32, 1 thread\n" in page
    assert "## Against peers: int8, 2 threads\n" in page
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    assert ["one", "infer", "10.0", "20.0", "2.00", "1.00"] in cells
    assert ["two", "infer", "10.0", "80.0", "8.00", "1.00"] in cells  # the later one
    assert "geometric mean, infer and stream (2 cases): 4.000" in page
    assert ["reviews", "train", "seconds per epoch", "0.50", "1.25 (2.50)"] in cells
    figure = (tmp_path / "page.png").read_bytes()
    assert figure.startswith(b"\x89PNG")
    assert "(page.png)" in page


def test_another_machine_is_refused(write, tmp_path):
    done = write({}, {"machine": {**MACHINE, "processor": "another"}})
    assert done.returncode == 1
    assert "1.json: processor is another, expected some CPU" in done.stderr
    assert not (tmp_path / "page.md").exists()
