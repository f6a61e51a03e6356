"""Activations on arrays: accuracy, derivatives, limits, shapes."""

import numpy as np
import pytest
from numeric import assert_close, assert_same_bits
from rnn_cases import normal

from rnnfast import _kernels, activations, reference
from rnnfast.activations.built_in import PARAMETERS
from rnnfast.reference import ELEMENTWISE

OVER_AXIS = ("softmax", "log_softmax")
# Largest error allowed, of the larger of 1 and the value.
TOLERANCE = {np.dtype(np.float32): 2e-6, np.dtype(np.float64): 1e-14}


def forward(name, x):
    return _kernels.activation_forward(activations.get(name), x)


def backward(name, x, y, dy):
    return _kernels.activation_backward(activations.get(name), x, y, dy)


def points(dtype):
    """Of both signs, from tiny to where everything has saturated; not on the kinks."""
    magnitudes = np.concatenate([np.geomspace(1e-30, 0.9, 400), np.linspace(0.9, 20, 3001), np.geomspace(20, 60, 97)])
    return np.concatenate([-magnitudes, magnitudes]).astype(dtype)


def mixed_error(actual, expected):
    return np.max(np.abs(actual - expected) / np.maximum(1.0, np.abs(expected)))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name, dtype):
    x = points(dtype)
    exact_x = x.astype(np.float64)
    y = forward(name, x)
    assert y.dtype == dtype
    expected = reference.activate(name, exact_x)
    assert mixed_error(y, expected) <= TOLERANCE[dtype], name
    dy = np.cos(x)
    expected = reference.activate_backward(name, exact_x, expected, dy.astype(np.float64))
    assert mixed_error(backward(name, x, y, dy), expected) <= 2 * TOLERANCE[dtype], f"derivative of {name}"


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "exponential"])
def test_float32_within_4_ulp(name):
    rng = np.random.default_rng(0)
    x = np.concatenate([points(np.float32), rng.uniform(-87, 87, 100_000), rng.uniform(-1, 1, 100_000)])
    x = x.astype(np.float32)
    expected = reference.activate(name, x.astype(np.float64))
    normal_results = np.abs(expected) >= np.finfo(np.float32).tiny
    ulp = np.spacing(np.abs(expected).astype(np.float32)).astype(np.float64)
    errors = (np.abs(forward(name, x) - expected) / ulp)[normal_results]
    assert errors.max() <= 4, f"{name}: {errors.max()} ULP at {x[normal_results][errors.argmax()]}"


def test_limits(dtype):
    inf = np.inf
    for name, x, expected in (
        ("tanh", [-inf, -100, -0.0, 0.0, 100, inf], [-1, -1, 0, 0, 1, 1]),
        ("sigmoid", [-inf, 0.0, 100, inf], [0, 0.5, 1, 1]),
        ("hard_sigmoid", [-inf, -4, 0.0, 4, inf], [0, 0, 0.5, 1, 1]),
        ("exponential", [-inf, 0.0, inf], [0, 1, inf]),
        ("relu", [-inf, -1, 0.0, inf], [0, 0, 0, inf]),
        ("softplus", [-inf, -1000, 1000, inf], [0, 0, 1000, inf]),
        ("log_sigmoid", [-inf, -1000, 1000, inf], [-inf, -1000, 0, 0]),
        ("linear", [-inf, inf], [-inf, inf]),
        ("elu", [-inf, 0.0, inf], [-1, 0, inf]),
        ("relu6", [-inf, 7, inf], [0, 6, 6]),
        ("hard_tanh", [-inf, 7, inf], [-1, 1, 1]),
        ("hard_shrink", [-inf, -0.5, 0.5, inf], [-inf, 0, 0, inf]),
        ("soft_shrink", [-inf, -0.5, 1.5, inf], [-inf, 0, 1, inf]),
        ("tanh_shrink", [-inf, 0.0, 100, inf], [-inf, 0, 99, inf]),
        ("threshold", [-inf, -0.0, 2, inf], [0, 0, 2, inf]),
        ("sparse_plus", [-inf, -1, 0, 1, inf], [0, 0, 0.25, 1, inf]),
        ("sparse_sigmoid", [-inf, 0, 7, inf], [0, 0.5, 1, 1]),
        ("squareplus", [-inf, 0, inf], [0, 1, inf]),
    ):
        # more elements than any vector has lanes, so that both the vectors and the remainder are seen
        y = forward(name, np.tile(np.array(x, dtype), 11))
        np.testing.assert_array_equal(y, np.tile(np.array(expected, dtype), 11), err_msg=name)


def test_nan_stays_where_it_is(dtype):
    for name in ELEMENTWISE:
        x = np.linspace(-2.1, 2.2, 37).astype(dtype)
        clean = forward(name, x)
        x[[3, 17, 36]] = np.nan
        y = forward(name, x)
        assert np.isnan(y[[3, 17, 36]]).all(), name
        others = ~np.isnan(x)
        assert_same_bits(y[others], clean[others], name)


@pytest.mark.parametrize("name", OVER_AXIS)
def test_over_the_last_axis(name, dtype, rng):
    for shape in ((1,), (3, 1), (2, 7), (5, 10), (4, 16), (3, 33), (2, 3, 100)):
        x, dy = normal(rng, shape, dtype, scale=3.0), normal(rng, shape, dtype)
        y = forward(name, x)
        expected = reference.activate(name, x.astype(np.float64))
        assert mixed_error(y, expected) <= TOLERANCE[dtype], f"{name} {shape}"
        expected = reference.activate_backward(name, x.astype(np.float64), expected, dy.astype(np.float64))
        assert mixed_error(backward(name, x, y, dy), expected) <= 5 * TOLERANCE[dtype], f"{name} {shape}"
    large = np.array([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4]], dtype)
    assert_close(forward(name, large), reference.activate(name, large.astype(np.float64)), 1e-6, "large values")


@pytest.mark.parametrize("name", OVER_AXIS)
def test_nan_stays_in_its_row(name, dtype, rng):
    x = normal(rng, (6, 10), dtype)
    clean = forward(name, x)
    x[2, 5] = np.nan
    y = forward(name, x)
    assert np.isnan(y[2]).all()
    others = np.arange(6) != 2
    assert_same_bits(y[others], clean[others], name)


def test_any_shape_and_strides(dtype, rng):
    base = normal(rng, (4, 6, 10), dtype)
    for name in ("tanh", "relu", *OVER_AXIS):
        for x in (base, base[0, 0], base[:, ::2, ::-1], base.T, base[:0], np.asfortranarray(base)):
            y = forward(name, x)
            assert y.shape == x.shape
            assert_same_bits(y, forward(name, x.copy(order="C")), name)
            dx = backward(name, x, y, x)
            assert dx.shape == x.shape
            plain_x, plain_y = x.copy(order="C"), y.copy(order="C")
            assert_same_bits(dx, backward(name, plain_x, plain_y, plain_x), name)


def test_any_number_of_threads(dtype, rng, threads):
    x = normal(rng, (700, 300), dtype)
    for name in ("tanh", *OVER_AXIS):
        results = []
        for count in (1, 2):
            threads(count)
            y = forward(name, x)
            results.append((y, backward(name, x, y, x)))
        for one, two in zip(*results, strict=True):
            assert_same_bits(two, one, name)


def test_parameters(dtype):
    x = points(dtype)
    for name in PARAMETERS:
        activation = activations.get(name)._replace(alpha=0.35, beta=-0.7)
        expected = reference.activate(activation, x.astype(np.float64))
        y = _kernels.activation_forward(activation, x)
        assert mixed_error(y, expected) <= TOLERANCE[dtype], name


def test_errors(dtype):
    x = np.zeros((2, 3), dtype)
    tanh = activations.get("tanh")
    with pytest.raises(TypeError):
        _kernels.activation_forward(tanh, x.astype(int))
    with pytest.raises(TypeError):
        _kernels.activation_forward(tanh, x.astype(np.float16))
    with pytest.raises(ValueError):
        _kernels.activation_forward(tanh._replace(id=1000), x)
    with pytest.raises(ValueError):
        _kernels.activation_backward(tanh, x, x, x[:1])
    with pytest.raises(TypeError):
        _kernels.activation_backward(tanh, x, x, x.astype(np.float32 if dtype == np.float64 else np.float64))
