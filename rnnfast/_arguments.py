"""Checks of what callers pass. Each names what it checks, what was expected and what came."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

DTYPES = ("float32", "float64")


def is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def whole_number(what: str, value: Any, least: int = 1) -> int:
    """An integer from `least` to the largest size there is, or ValueError."""
    if not is_whole(value) or not least <= value <= sys.maxsize:
        expected = {0: "a non-negative integer", 1: "a positive integer"}.get(least, f"an integer of at least {least}")
        raise ValueError(f"{what} must be {expected}{_too_large(value)}, got {value!r}")
    return int(value)


def number(what: str, value: Any) -> float:
    """A finite real number, or ValueError."""
    real = is_whole(value) or isinstance(value, (float, np.floating))
    if not real or not abs(value) <= sys.float_info.max:
        raise ValueError(f"{what} must be a number, got {value!r}")
    return float(value)


def seed(what: str, value: Any) -> int | None:
    """None or an integer that is not negative, of any size, or ValueError."""
    if value is not None and (not is_whole(value) or value < 0):
        raise ValueError(f"{what} must be None or a non-negative integer, got {value!r}")
    return None if value is None else int(value)


def sizes(what: str, value: Any) -> tuple[int | None, ...]:
    """A shape: positive integers, None where any size will do. TypeError: no list of anything; ValueError."""
    shape = items(what, value, "a shape: a tuple of positive integers and None")
    for n in shape:
        if n is not None and (not is_whole(n) or not 1 <= n <= sys.maxsize):
            raise ValueError(f"{what} must hold positive integers or None{_too_large(n)}, got {tuple(shape)}")
    return tuple(None if n is None else int(n) for n in shape)


def items(what: str, value: Any, expected: str) -> list[Any]:
    """The items of a list, tuple, array or the like, or TypeError: text and numbers are none."""
    listed = isinstance(value, Iterable) and getattr(value, "ndim", 1) > 0
    if not listed or isinstance(value, (str, bytes, dict, set)):
        raise TypeError(f"{what} must be {expected}, got {value!r} of type {type(value).__name__}")
    return list(value)


def numeric(what: str, value: Any) -> np.ndarray:
    """Numbers as an array. TypeError: no numbers, or a masked array; ValueError: rows of different lengths."""
    _refuse_masked(what, value)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{what} is no array: {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{what} must be numeric, got " + (f"dtype {array.dtype}" if array.ndim else repr(value)))
    return array


def _refuse_masked(what: str, value: Any) -> None:
    if isinstance(value, (list, tuple)):
        for item in value:
            if not isinstance(item, (int, float)):
                _refuse_masked(what, item)
    elif isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{what} is a masked array, and what it masks would count; give it with .filled(value)")


def dtype_name(what: str, value: Any, valid: tuple[str, ...] = DTYPES) -> str:
    """The name of a dtype, one of `valid`, from itself or NumPy's type, or ValueError."""
    try:
        name = value if value is None or isinstance(value, str) else np.dtype(value).name
    except TypeError:
        name = None
    if name not in valid:
        raise ValueError(f"{what} must be {_one_of(valid)}, got {value!r}")
    return name


def taken_by(what: str, function: Callable[..., Any], form: str, *args: Any, **named: Any) -> None:
    """TypeError: a function of the user's own that cannot be called with these. form: how messages write them."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of compiled code, which does not tell
        return
    try:
        signature.bind(*args, **named)
    except TypeError:
        raise TypeError(f"{what} must take {form}, but takes {signature}") from None


def unwritable(array: np.ndarray) -> np.ndarray:
    """A view for functions of the user's own: others need what it holds as it is."""
    view = array.view()
    view.flags.writeable = False
    return view


def _one_of(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names[:-1])) + f" or {names[-1]!r}"


def _too_large(value: Any) -> str:
    return f" up to {sys.maxsize}" if is_whole(value) and value > sys.maxsize else ""
