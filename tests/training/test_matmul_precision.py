"""`set_float32_matmul_precision` in training: what it may change, by how much, and what it must leave alone.

The kernels of every format are tested in tests/cpp/test_training_formats.cpp, those of AMX by emulation.
"""

import numpy as np
import pytest
from numeric import assert_close, assert_same_bits

import rnnfast
from rnnfast import _kernels
from rnnfast.layers import GRU, LSTM, Conv1D, Dense, Embedding, Input, SimpleRNN
from rnnfast.precision import PRECISIONS, training_formats

BATCH, TIME, UNITS = 9, 7, 70
ALLOWED = {"full": 0, "bfloat16x2": 2e-4, "bfloat16": 0.1}
LAYERS = {
    "lstm": lambda **options: LSTM(UNITS, peephole=True, **options),
    "lstm_projection": lambda **options: LSTM(UNITS, projection_size=40, **options),
    "gru": lambda **options: GRU(UNITS, **options),
    "gru_before": lambda **options: GRU(UNITS, reset_after=False, **options),
    "simple_rnn": lambda **options: SimpleRNN(UNITS, **options),
}


NARROW = [kept_in for kept_in in training_formats().values() if kept_in != "full"]
narrow = pytest.mark.skipif(
    not NARROW, reason="needs a CPU whose training may round factors: AVX-512 with bf16, or AMX"
)


@pytest.fixture
def rng():
    return np.random.default_rng(17)


@pytest.fixture(autouse=True)
def highest():
    yield
    rnnfast.set_float32_matmul_precision("highest")


def gradients(model, x, y):
    """The weights' gradients of one batch, before any update."""
    model.compile(optimizer=rnnfast.optimizers.SGD(1.0), loss="mse")
    before = model.get_weights()
    model.train_on_batch(x, y)
    after = model.get_weights()
    model.set_weights(before)
    return [a - b for a, b in zip(before, after, strict=True)]


def make(layers, shape):
    rnnfast.utils.set_random_seed(5)
    return rnnfast.Sequential([Input(shape), *layers(), Dense(5)])


def test_formats():
    formats = training_formats()
    assert list(formats) == list(PRECISIONS) and formats["highest"] == "full"
    assert set(formats.values()) <= set(ALLOWED)


@narrow
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_stay_near(name, rng):
    x, y = rng.standard_normal((BATCH, TIME, 40)), rng.standard_normal((BATCH, TIME, 5))
    model = make(lambda: [LAYERS[name](return_sequences=True), Dense(80)], (TIME, 40))
    exact = gradients(model, x, y)
    for precision, kept_in in training_formats().items():
        rnnfast.set_float32_matmul_precision(precision)
        for variable, got, wanted in zip(model.weights, gradients(model, x, y), exact, strict=True):
            assert got.dtype == np.float32
            assert_close(got, wanted, ALLOWED[kept_in], f"{name} at {precision}, {variable.path}")
            if variable.path.endswith("recurrent_kernel"):
                assert np.array_equal(got, wanted) == (kept_in == "full")


@narrow
def test_indexed_rows_and_masks(rng):
    tokens, y = rng.integers(0, 12, (BATCH, TIME)), rng.standard_normal((BATCH, 5))
    words = Embedding(12, 40, mask_zero=True)
    model = rnnfast.Sequential([Input((TIME,), dtype="int32"), words, LSTM(UNITS), Dense(5)])
    exact = gradients(model, tokens, y)
    for precision, kept_in in training_formats().items():
        rnnfast.set_float32_matmul_precision(precision)
        for variable, got, wanted in zip(model.weights, gradients(model, tokens, y), exact, strict=True):
            assert_close(got, wanted, ALLOWED[kept_in], f"{precision}, {variable.path}")


@pytest.mark.parametrize("transpose_a", [False, True])
def test_products(transpose_a, rng):
    a, b = (rng.standard_normal((100, 100)).astype("float32") for _ in range(2))
    size = np.abs(a).T @ np.abs(b) if transpose_a else np.abs(a) @ np.abs(b)
    wanted = (a.T if transpose_a else a).astype("float64") @ b
    for precision, kept_in in training_formats().items():
        rnnfast.set_float32_matmul_precision(precision)
        c = _kernels.matmul(a, b, transpose_a=transpose_a)
        assert c.dtype == np.float32
        assert (np.abs(c - wanted) / size).max() < {"full": 4e-7, "bfloat16x2": 1e-5, "bfloat16": 8e-3}[kept_in]
        if not transpose_a:
            assert_same_bits(_kernels.matmul(a[7:9], b), c[7:9], "two rows by themselves")


@narrow
def test_one_precision_per_step(rng):
    """The backward pass is that of its forward pass, whatever is set in between."""
    layer = LSTM(UNITS)
    x, dy = (rng.standard_normal(shape).astype("float32") for shape in ((BATCH, TIME, 40), (BATCH, UNITS)))
    dx = []
    for between in PRECISIONS:
        rnnfast.set_float32_matmul_precision("medium")
        cache = forward(layer, x)[2]
        rnnfast.set_float32_matmul_precision(between)
        dx.append(_kernels.rnn_backward(cache, dy)[0])
    assert_same_bits(dx[0], dx[2], "highest between")
    assert_same_bits(dx[1], dx[2], "high between")


def forward(layer, x):
    if not layer.built:
        layer.build(x.shape)
    kernel, recurrent_kernel, bias = (v.value for v in layer.weights)
    options = {name: rnnfast.activations.get(getattr(layer, name)) for name in ("activation", "recurrent_activation")}
    return _kernels.rnn_forward("lstm", x, kernel, recurrent_kernel, bias, None, training=True, **options)


# Options of an LSTM, and whether it stays in full precision.
OPTIONS = {
    "float64": ({"dtype": "float64"}, True),
    "dropout of both": ({"dropout": 0.2, "recurrent_dropout": 0.3}, True),
    "dropout of the state": ({"recurrent_dropout": 0.3}, False),
    "zoneout": ({"zoneout": (0.1, 0.2)}, False),
}


@narrow
@pytest.mark.parametrize("name", OPTIONS)
def test_what_stays_in_full_precision(name, rng):
    options, full = OPTIONS[name]
    x, y = rng.standard_normal((BATCH, TIME, 40)), rng.standard_normal((BATCH, 5))
    found = {}
    for precision in PRECISIONS:
        rnnfast.set_float32_matmul_precision(precision)
        found[precision] = gradients(make(lambda: [LSTM(UNITS, **options)], (TIME, 40)), x, y)
    for precision, kept_in in training_formats().items():
        for a, b in zip(found[precision], found["highest"], strict=True):
            assert_close(a, b, 0 if full else ALLOWED[kept_in], f"gradients at {precision}")


def test_fit(rng):
    """Weights and what the optimizer keeps stay float32, and the loss falls as it does in full precision."""
    x = rng.standard_normal((96, TIME, 40)).astype("float32")
    y = np.tanh(x[:, -1, :5] + x[:, -2, 5:10])
    losses = {}
    for precision in PRECISIONS:
        rnnfast.set_float32_matmul_precision(precision)
        rnnfast.utils.set_random_seed(2)
        model = rnnfast.Sequential([Input((TIME, 40)), Conv1D(48, 3, padding="causal"), GRU(UNITS), Dense(5)])
        model.compile(optimizer=rnnfast.optimizers.Adam(0.01), loss="mse")
        history = model.fit(x, y, batch_size=32, epochs=8, shuffle=False, verbose=0).history["loss"]
        assert {v.value.dtype for v in model.weights} == {np.dtype("float32")}
        assert {slot.dtype for slots in model.optimizer._slots for slot in slots.values()} == {np.dtype("float32")}
        losses[precision] = history
    assert losses["highest"][-1] < 0.5 * losses["highest"][0]
    for precision, kept_in in training_formats().items():
        allowed = {"full": 0, "bfloat16x2": 1e-3, "bfloat16": 0.1}[kept_in]
        assert abs(losses[precision][-1] / losses["highest"][-1] - 1) <= allowed
