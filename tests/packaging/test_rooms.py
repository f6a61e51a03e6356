"""Imports run one way: between the rooms of the package, and those of the core, as docs/architecture.md orders them."""

import ast
import re
from pathlib import Path

import pytest

import rnnfast

ROOT = Path(__file__).parents[2]
PACKAGE = Path(rnnfast.__file__).parent
UPWARD = {("models", "formats")}  # Keras' save and load, when they are called
OUTSIDE = ("demo", "cli")  # programs: they use the package by its front, and the oracle

ORDER = re.search(
    r"Imports run one way: `src_c` \((?P<core>.*?)\) -> (?P<package>.*?)\. `keras`",
    (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"),
    re.DOTALL,
)


def heights(order):
    """{room: its place}, from `a -> b, c -> d`; rooms named side by side may import each other."""
    return {room.strip(): place for place, rooms in enumerate(order.split("->")) for room in rooms.split(",")}


def imports(path):
    """[(room, whether at the top of the file)] of what a module imports from the package; `rnnfast` is its front."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, inside = name.partition(".")
            if package == "rnnfast":
                yield inside.partition(".")[0] or package, node in tree.body


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]
HEIGHTS = heights(ORDER["package"])


def test_the_map_names_every_room():
    rooms = {room for path in MODULES if not (room := room_of(path)).startswith("_")}
    assert rooms - HEIGHTS.keys() == {"keras", "reference"}
    assert {path.name for path in (ROOT / "src_c").iterdir() if path.is_dir()} == heights(ORDER["core"]).keys()


@pytest.mark.parametrize("room", HEIGHTS.keys() - {"bindings"})
def test_a_room_imports_downward_only(room):
    modules = [path for path in MODULES if room_of(path) == room]
    assert modules, "the map names a room that is not there"
    for path in modules:
        for other, at_the_top in imports(path):
            allowed = other.startswith("_") or HEIGHTS.get(other, len(HEIGHTS)) <= HEIGHTS[room]
            allowed |= room in OUTSIDE and other in ("rnnfast", "reference")
            allowed |= not at_the_top and (room, other) in UPWARD
            assert allowed, f"{path.relative_to(PACKAGE)} imports {other}"


def test_what_has_no_place_on_the_way():
    """The oracle imports nothing, what begins with an underscore only its like, and nobody Keras' paths."""
    for path in MODULES:
        rooms = {room for room, _ in imports(path)}
        if room_of(path) == "reference":
            assert rooms <= {"reference"}, path
        if room_of(path).startswith("_") and room_of(path) != "_info":
            assert all(room.startswith("_") for room in rooms), path
        assert room_of(path) == "keras" or "keras" not in rooms, path


def test_the_core_includes_downward_only():
    source = (ROOT / "src_c").resolve()
    height = heights(ORDER["core"])
    for path in source.rglob("*"):
        if path.suffix in (".h", ".cpp") and path.parent != source:
            room = path.relative_to(source).parts[0]
            for include in re.findall(r'#include "(.*?)"', path.read_text(encoding="utf-8")):
                other = (path.parent / include).resolve().relative_to(source).parts[0]
                assert other == "rnnfast.h" or height[other] <= height[room], f"{path.name} includes {include}"
