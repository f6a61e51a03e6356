"""`rnnfast info`: complete, in both forms, and true to what the process uses."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import rnnfast
from rnnfast import _info, cli
from rnnfast.precision import training_formats


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", "import sys; from rnnfast.cli import main; sys.exit(main())", *arguments],
        capture_output=True, text=True, env={**os.environ, **environment}, check=False, timeout=120,
    )  # fmt: skip


def test_json_says_what_is_used(capsys):
    assert cli.main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    cpu = rnnfast.cpu_info()
    assert facts["rnnfast"] == rnnfast.__version__
    assert facts["numpy"] == np.__version__
    assert facts["kernels"]["chosen"] == cpu["isa"]
    assert facts["kernels"]["available"] == cpu["available"]
    assert facts["training"] == training_formats()
    assert facts["threads"]["count"] == rnnfast.get_num_threads()
    assert facts["cpu"]["caches"] == cpu["caches"]
    assert set(facts["blas"]) == {"library", "path", "config"}


def test_table_has_every_fact(capsys):
    assert cli.main(["info"]) == 0
    printed = capsys.readouterr().out
    for row in (
        "rnnfast",
        "python",
        "system",
        "processor",
        "features",
        "caches",
        "kernels",
        "vectors",
        "training",
        "threads",
        "BLAS",
    ):
        assert f"\n{row:<10} " in "\n" + printed
    assert rnnfast.cpu_info()["isa"] in printed


@pytest.mark.parametrize("isa", rnnfast.cpu_info()["available"])
def test_every_instruction_set_can_be_asked_for(isa):
    done = run("info", "--json", RNNFAST_ISA=isa)
    assert done.returncode == 0, done.stderr
    kernels = json.loads(done.stdout)["kernels"]
    assert (kernels["chosen"], kernels["source"]) == (isa, "RNNFAST_ISA")


@pytest.mark.parametrize("command", ["info", "demo"])
def test_unknown_instruction_set_is_one_line(command):
    done = run(command, RNNFAST_ISA="altivec")
    assert done.returncode == 2
    assert "altivec" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_threads_and_where_they_come_from():
    threads = json.loads(run("info", "--json", OMP_NUM_THREADS="1").stdout)["threads"]
    assert threads == {"count": 1, "source": "OMP_NUM_THREADS=1"}


@pytest.mark.parametrize(("size", "text"), [(0, "unknown"), (49152, "48 KB"), (2**20, "1 MB"), (5 * 2**19, "2560 KB")])
def test_sizes(size, text):
    assert _info.size_text(size) == text


@pytest.mark.parametrize("arguments", [[], ["dmeo"], ["info", "--xml"]])
def test_usage_errors(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert "usage: rnnfast" in errors
