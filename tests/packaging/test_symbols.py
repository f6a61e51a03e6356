"""No code of one instruction set may reach another's: what the linker could see of it.

A template of the standard library that a source compiled for AVX-512 instantiates is a weak symbol. The linker keeps
one copy of each for the whole module, maybe that one, and then code for any CPU runs AVX-512 instructions.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rnnfast import _blas, _engine, _kernels

ROOT = Path(__file__).parents[2]
WEAK = set("WwVvu")  # kinds of symbol of which the linker keeps one copy for a whole module

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads ELF symbols"),
    pytest.mark.skipif(shutil.which("nm") is None, reason="needs nm"),
]


def symbols(path, *options):
    """[(type, name)] of the defined symbols."""
    command = ["nm", "--demangle", "--defined-only", *options, str(path)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [tuple(line.split(maxsplit=2)[1:]) for line in lines if len(line.split(maxsplit=2)) == 3]


@pytest.mark.parametrize("module", [_engine, _kernels, _blas], ids=lambda m: m.__name__)
def test_extension_exports_its_init_function_only(module):
    name = module.__name__.rpartition(".")[2]
    assert [symbol for _, symbol in symbols(module.__file__, "--dynamic")] == [f"PyInit_{name}"]


def isa_objects():
    """The objects of src_c/isa that the last build left in the source tree."""
    found = {}
    for path in sorted(ROOT.glob("build/temp*/src_c/isa/*.o"), key=lambda path: path.stat().st_mtime):
        if (ROOT / "src_c" / "isa" / path.name).with_suffix(".cpp").exists():
            found[path.name] = path
    return found.values()


def test_weak_symbols_of_an_instruction_set_carry_its_name():
    objects = isa_objects()
    if not objects:
        pytest.skip("no build tree beside the sources")
    leaks = {}
    for path in objects:
        isa = path.stem
        shared = [name for kind, name in symbols(path) if kind in WEAK and f"rnnfast::isa_{isa}::" not in name]
        if shared:
            leaks[path.name] = shared
    assert leaks == {}
