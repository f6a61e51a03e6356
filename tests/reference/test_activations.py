"""Activations of the reference: values against plain Python, derivatives against finite differences."""

from types import SimpleNamespace

import numpy as np
import pytest
from numeric import assert_close, finite_difference
from scalar_cells import ACTIVATIONS

from rnnfast.reference import ELEMENTWISE, activate, activate_backward

# No point within a finite difference's step of a kink (-3, -1, 0, 1, 3, 6).
POINTS = np.linspace(-7.97, 7.91, 53)


def derivative_by_differences(activation, x, dy):
    return finite_difference(lambda: float((activate(activation, x) * dy).sum()), x)


def test_same_list_as_the_scalar_definitions():
    assert set(ELEMENTWISE) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name):
    y = activate(name, POINTS)
    assert_close(y, [ACTIVATIONS[name](float(x)) for x in POINTS], 1e-15, name)
    dy = np.cos(POINTS)
    dx = activate_backward(name, POINTS, y, dy)
    assert_close(dx, derivative_by_differences(name, POINTS.copy(), dy), 1e-8, f"derivative of {name}")


@pytest.mark.parametrize("name", ["leaky_relu", "elu", "celu", "hard_shrink", "soft_shrink", "threshold", "squareplus"])
def test_parameters(name):
    activation = SimpleNamespace(name=name, alpha=0.25, beta=0.2)
    y = activate(activation, POINTS)
    assert np.abs(y - activate(name, POINTS)).max() > 0.1
    dx = activate_backward(activation, POINTS, y, np.ones_like(POINTS))
    assert_close(dx, derivative_by_differences(activation, POINTS.copy(), 1.0), 1e-8, name)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 5)), rng.standard_normal((2, 3, 5))
    y = activate(name, x)
    expected = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    assert_close(y, np.log(expected) if name == "log_softmax" else expected, 1e-14, name)
    dx = activate_backward(name, x, y, dy)
    assert_close(dx, derivative_by_differences(name, x, dy), 1e-8, name)


def test_large_values_stay_finite():
    x = np.array([-1e4, -800.0, 800.0, 1e4])
    for name in [*ELEMENTWISE, "softmax", "log_softmax"]:
        if name != "exponential":
            assert np.isfinite(activate(name, x)).all(), name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_follows_the_input(dtype):
    x = POINTS.astype(dtype)
    for name in [*ELEMENTWISE, "softmax", "log_softmax"]:
        y = activate(name, x)
        assert y.dtype == activate_backward(name, x, y, x).dtype == dtype, name


def test_unknown_name():
    with pytest.raises(ValueError, match=r"unknown activation 'tahn'; known: linear, tanh, .*softmax"):
        activate("tahn", POINTS)
