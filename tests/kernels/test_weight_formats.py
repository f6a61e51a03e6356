"""bfloat16 and int8 weights: the kernels against the reference's cells with their factors rounded in the same way."""

import numpy as np
import pytest
from rnn_cases import KINDS, make_layer, normal

from rnnfast import _engine, activations
from rnnfast.reference import cells, layer_norm

FORMATS = ("bfloat16", "int8")
SIZES = [(1, 1), (3, 5), (15, 16), (17, 33), (64, 100), (100, 127)]
T, B = 4, 7


def bf16(x):
    """To nearest, ties to even, as float64."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return rounded.view(np.float32).astype(np.float64)


def int8(x, axis):
    """Whole steps of max / 127 along an axis."""
    x = np.asarray(x, np.float32)
    top = np.abs(x).max(axis, keepdims=True)
    inverse = np.divide(np.float32(127), top, out=np.zeros_like(top), where=top > 0)
    return np.rint(x * inverse).astype(np.float64) * (top / 127)


class Rounded(np.ndarray):
    """A matrix whose product with what stands left of it rounds both."""

    weights = "full"

    @staticmethod
    def of(matrix, weights):
        rounded = np.asarray(matrix, np.float64).view(Rounded)
        rounded.weights = weights
        return rounded

    def __array_finalize__(self, source):
        self.weights = getattr(source, "weights", "full")

    def __rmatmul__(self, left):
        plain = np.asarray(self)
        if self.weights == "bfloat16":
            return bf16(left) @ bf16(plain)
        return int8(left, 1) @ int8(plain, 0)


def expected(layer, weights, x):
    """The states (batch, time, units), step by step."""
    cell = cells.find_cell(layer.cell, layer.options.get("reset_after", True))
    two_rows = layer.bias.ndim == 2
    bias, recurrent_bias = layer.bias if two_rows else (layer.bias, None)
    given = layer.options.get("layer_norm")
    norm = None if given is None else layer_norm.LayerNorm(layer.options["layer_norm_epsilon"], **given)
    recurrent_kernel = Rounded.of(layer.recurrent_kernel, weights)
    parameters = cells.Parameters(recurrent_kernel, recurrent_bias, layer.peephole, norm=norm)
    kernel = Rounded.of(layer.kernel, weights)
    states = tuple(np.zeros((len(x), layer.units)) for _ in range(layer.states))
    outputs = []
    for t in range(x.shape[1]):
        a = x[:, t] @ kernel
        if norm is not None:
            a = norm.kernel_gamma * layer_norm.normalized(a, norm.epsilon)
        states, _ = cell.step(parameters, a + bias, *states)
        outputs.append(states[0])
    return np.stack(outputs, axis=1)


def program(layer, weights, isa=None, kind=_engine.Program32):
    p = kind(isa, weights)
    options = {"peephole": layer.peephole} if layer.peephole is not None else {}
    v = p.rnn(
        p.input([None, layer.kernel.shape[0]]), layer.cell, layer.kernel, layer.recurrent_kernel, layer.bias,
        activation=activations.get("tanh"), recurrent_activation=activations.get("sigmoid"), return_sequences=True,
        **layer.options, **options,
    )  # fmt: skip
    p.finish([v])
    return lambda x: p.run([x], 1)[0]


@pytest.fixture(params=FORMATS)
def weights(request):
    return request.param


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("inputs", "units"), SIZES)
def test_against_rounded_reference(kind, inputs, units, weights, rng):
    layer = make_layer(kind, inputs, units, rng, dtype=np.float32)
    x = normal(rng, (B, T, inputs), np.float32)
    y, wanted = program(layer, weights)(x), expected(layer, weights, x)
    # A state that lies between two steps of the format may round either way, which one step later moves a sum by that
    # step times a weight: rare, so nearly all outputs must agree closely, and all of them roughly.
    error = np.abs(y - wanted)
    assert np.median(error) < 2e-6
    assert error.max() < 2e-2
    exact = program(layer, "full")(x)
    assert 0 < np.abs(y - exact).max() < 0.2


@pytest.mark.parametrize("kind", KINDS)
def test_first_step_is_close(kind, weights, rng):
    """No state to round yet: only the input's product."""
    layer = make_layer(kind, 37, 45, rng, dtype=np.float32)
    x = normal(rng, (B, 1, 37), np.float32)
    np.testing.assert_allclose(program(layer, weights)(x), expected(layer, weights, x), atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_does_not_depend_on_its_batch(kind, weights, rng):
    layer = make_layer(kind, 20, 37, rng, dtype=np.float32)
    x = normal(rng, (19, T, 20), np.float32)
    run = program(layer, weights)
    whole = run(x)
    for rows in ([0], [18], [3, 4], list(range(5, 14))):
        np.testing.assert_array_equal(run(x[rows]), whole[rows])


FUSED = [isa for isa in _engine.cpu_info()["available"] if isa != "generic"]


@pytest.mark.skipif(len(FUSED) < 2, reason="the machine has fewer than two instruction sets with fused multiply-add")
@pytest.mark.parametrize("kind", KINDS)
def test_int8_has_the_same_bits_everywhere(kind, rng):
    layer = make_layer(kind, 21, 50, rng, dtype=np.float32)
    x = normal(rng, (B, T, 21), np.float32)
    first, *others = (program(layer, "int8", isa)(x) for isa in FUSED)
    for other in others:
        np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_in_its_row(value, weights, rng):
    layer = make_layer("lstm", 9, 18, rng, dtype=np.float32)
    x = normal(rng, (B, T, 9), np.float32)
    run = program(layer, weights)
    clean = run(x)
    x[2, 1, 3] = value
    y = run(x)
    others = [r for r in range(B) if r != 2]
    np.testing.assert_array_equal(y[others], clean[others])
    np.testing.assert_array_equal(y[2, 0], clean[2, 0])
    assert not np.array_equal(y[2, 1:], clean[2, 1:])
    if np.isnan(value):
        assert np.isnan(y[2, 1:]).all()


def test_extreme_rows(weights, rng):
    """Zero, tiny and huge rows have scales of their own."""
    layer = make_layer("simple_rnn", 8, 8, rng, dtype=np.float32)
    x = normal(rng, (4, 1, 8), np.float32) * np.array([0, 1e-39, 1e-6, 1e30], np.float32)[:, None, None]
    y = program(layer, weights)(x)
    assert np.isfinite(y).all()
    np.testing.assert_allclose(y[0, 0], np.tanh(layer.bias), atol=1e-6)
    np.testing.assert_allclose(y[1, 0], np.tanh(layer.bias), atol=1e-6)
    assert (np.abs(y[3]) > 0.99).any()


def test_dense(weights, rng):
    for inputs, outputs in ((1, 1), (7, 5), (33, 65), (130, 70)):
        kernel, bias = normal(rng, (inputs, outputs), np.float32), normal(rng, (outputs,), np.float32)
        x = normal(rng, (11, inputs), np.float32)
        p = _engine.Program32(None, weights)
        p.finish([p.dense(p.input([inputs]), kernel, bias)])
        np.testing.assert_allclose(p.run([x], 1)[0], x @ Rounded.of(kernel, weights) + bias, atol=2e-5)


@pytest.mark.skipif("amx" not in _engine.cpu_info()["available"], reason="splits need AMX")
@pytest.mark.parametrize(("split", "bound"), [("bfloat16x2", 40.0), ("bfloat16x3", 1.0)])
@pytest.mark.parametrize("kind", KINDS)
def test_splits_against_fused_multiply_add(kind, split, bound, rng):
    """Errors in parts of those of full precision, against float64."""
    layer = make_layer(kind, 64, 100, rng, dtype=np.float32)
    x = normal(rng, (B, T, 64), np.float32)
    exact = program(layer, "full", "amx", _engine.Program64)(x.astype(np.float64))
    full, parts = (np.abs(program(layer, weights, "amx")(x) - exact) for weights in ("full", split))
    assert 0 < np.sqrt((parts**2).mean()) < 2 * bound * np.sqrt((full**2).mean())


@pytest.mark.parametrize("isa", [isa for isa in _engine.cpu_info()["available"] if isa != "amx"])
@pytest.mark.parametrize("split", ["bfloat16x2", "bfloat16x3"])
def test_splits_need_matrix_registers(split, isa):
    with pytest.raises(ValueError, match=f"weights '{split}'.*amx.*got '{isa}'"):
        _engine.Program32(isa, split)


def test_refused(weights):
    with pytest.raises(ValueError, match=f"weights '{weights}' are for float32 programs"):
        _engine.Program64(None, weights)
    with pytest.raises(ValueError, match="weights must be 'full'"):
        _engine.Program32(None, "int3")
