"""Comparing arrays, and gradients by finite differences."""

from collections.abc import Callable

import numpy as np


def relative_error(actual, expected) -> float:
    """Largest difference over the largest magnitude expected; the plain difference where zeros are expected."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    if expected.size == 0:
        return 0.0
    scale = np.abs(expected).max()
    return float(np.abs(actual - expected).max() / (scale if scale > 0 else 1.0))


def assert_close(actual, expected, tolerance: float, what: str) -> None:
    """Same shape, finite, and within ``tolerance`` of the largest magnitude of ``expected``."""
    assert np.shape(actual) == np.shape(expected), f"{what}: shape {np.shape(actual)}, expected {np.shape(expected)}"
    assert np.isfinite(expected).all(), f"{what}: the case itself is badly chosen, it expects {expected}"
    error = relative_error(actual, expected)
    assert error <= tolerance, f"{what}: relative error {error:.3g}, allowed {tolerance:g}"


def assert_same_bits(actual, expected, what: str) -> None:
    """Equal dtype, shape and bytes."""
    actual, expected = np.ascontiguousarray(actual), np.ascontiguousarray(expected)
    assert actual.dtype == expected.dtype and actual.shape == expected.shape, what
    if actual.tobytes() != expected.tobytes():
        differing = np.argwhere(actual != expected)
        raise AssertionError(f"{what}: {len(differing)} of {actual.size} elements differ, the first at {differing[:1]}")


def finite_difference(function: Callable[[], float], array: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Gradient of ``function()`` by the elements of ``array`` (float64, changed in place and restored)."""
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + step
        above = function()
        array[index] = value - step
        below = function()
        array[index] = value
        gradient[index] = (above - below) / (2 * step)
    return gradient


def parts(y) -> list:
    """The outputs of a layer or a model, of which there may be one or a list."""
    return y if isinstance(y, list) else [y]


def projected(dy, y) -> float:
    """Sum of the products of outputs with random gradients of theirs: the number that `backward(dy)` derives."""
    return sum(float((d * part).sum()) for d, part in zip(parts(dy), parts(y), strict=True))


def variable_difference(function: Callable[[], float], variable) -> np.ndarray:
    """Gradient of ``function()`` by a layer's variable (float64, restored)."""
    value = np.array(variable.numpy())

    def changed():
        variable.assign(value)
        return function()

    gradient = finite_difference(changed, value)
    variable.assign(value)
    return gradient


def assert_variable_gradients(function: Callable[[], float], variables, gradients=None, what: str = "") -> None:
    """The gradient of ``function()`` by each variable is its ``grad``, or that of ``gradients``."""
    found = [variable.grad for variable in variables] if gradients is None else gradients
    for variable, gradient in zip(variables, found, strict=True):
        assert_close(gradient, variable_difference(function, variable), 1e-6, f"{what} {variable.path}")
        assert gradient.dtype == np.float64
