"""Whatever a program can name has a docstring, and what it can make has one with an example (run by test_examples)."""

import inspect

import pytest

import rnnfast

# All but the same under other paths, and the oracle, which is to be read.
ROOMS = [
    rnnfast,
    rnnfast.optimizers.schedules,
    *(room for name in rnnfast.__all__ if inspect.ismodule(room := getattr(rnnfast, name))),
]
ROOMS = [room for room in ROOMS if room not in (rnnfast.keras, rnnfast.reference)]
# What there is no example of: bases that one does not make, what `fit` makes, what is refused, what is raised, and what
# needs a package that may be missing.
WITHOUT_EXAMPLE = {
    "CallbackList", "Lambda", "MonitorCallback", "NoLoweringError", "NonFiniteError", "OverTime", "Recurrent",
    "RecurrentCell", "Slope", "TensorBoard", "TextVectorization", "Wrapper",
}  # fmt: skip


def public(kind):
    """{name with its room: object} of all rooms, once each."""
    found = {}
    for room in ROOMS:
        names = getattr(room, "__all__", None)
        for name in names or [n for n in dir(room) if not n.startswith("_")]:
            value = getattr(room, name)
            if kind(value) and (names or value.__module__ == room.__name__):
                found.setdefault(value, f"{room.__name__}.{name}")
    return {name: value for value, name in found.items()}


CLASSES, FUNCTIONS = public(inspect.isclass), public(inspect.isroutine)


@pytest.mark.parametrize("name", CLASSES)
def test_classes(name):
    own = vars(CLASSES[name]).get("__doc__") or ""
    assert own, f"{name} has no docstring of its own"
    # A loss as a metric refers to the loss.
    assert ("\n    >>> " in own or "See `losses." in own) == (CLASSES[name].__name__ not in WITHOUT_EXAMPLE)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    assert inspect.getdoc(FUNCTIONS[name]), f"{name} has no docstring"
