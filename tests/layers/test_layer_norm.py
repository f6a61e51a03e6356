"""LSTM and GRU with layer normalisation: gradients, weights, where it runs, what is refused."""

import numpy as np
import pytest
from layer_gradients import check
from numeric import assert_same_bits

import rnnfast
from rnnfast import layers

X = np.random.default_rng(0).normal(size=(4, 4, 3))
MASK = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], bool)


def randomised(layer):
    """A built layer with random weights of every kind."""
    rng = np.random.default_rng(1)
    layer(X)
    for variable in layer.weights:
        variable.assign(rng.normal(0.5, 0.5, variable.shape))
    return layer


@pytest.mark.parametrize("cell", [layers.LSTM, layers.GRU])
@pytest.mark.parametrize("call", [{}, {"mask": MASK}, {"lengths": [4, 1, 3, 0]}], ids=["plain", "mask", "lengths"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_sequences": True, "go_backwards": True},
        {"return_state": True, "use_bias": False, "activation": "softsign", "recurrent_activation": "hard_sigmoid"},
    ],
    ids=str,
)
def test_gradients(cell, options, call):
    check(cell(3, dtype="float64", layer_norm=True, **options), X, **call)


@pytest.mark.parametrize(
    "layer",
    [
        lambda **o: layers.LSTM(3, peephole=True, **o),
        lambda **o: layers.LSTM(3, projection_size=2, **o),
        lambda **o: layers.LSTM(2, projection_size=4, peephole=True, return_state=True, **o),
        lambda **o: layers.LSTM(17, layer_norm_epsilon=0.2, **o),
        lambda **o: layers.GRU(3, reset_after=False, return_sequences=True, **o),
        lambda **o: layers.GRU(17, reset_after=False, use_bias=False, layer_norm_epsilon=0.2, **o),
        lambda **o: layers.Bidirectional(layers.GRU(2, return_sequences=True, **o), dtype="float64"),
    ],
)
def test_gradients_with_other_options(layer):
    check(layer(layer_norm=True, dtype="float64"), X, mask=MASK)


@pytest.mark.parametrize("options", [{"zoneout": (0.0, 1.0)}, {"zoneout": (1.0, 0.0)}], ids=str)
def test_gradients_with_zoneout(options):
    """Rates that draw nothing, so that every forward pass is the same."""
    check(layers.LSTM(3, layer_norm=True, dtype="float64", **options), X, mask=MASK)


def test_weights_and_config():
    layer = layers.LSTM(5, layer_norm=True, peephole=True, projection_size=2)
    layer.build((None, 4, 3))
    assert [(v.name, v.shape) for v in layer.weights] == [
        ("kernel", (3, 20)),
        ("recurrent_kernel", (2, 20)),
        ("bias", (20,)),
        ("projection_kernel", (5, 2)),
        ("peephole", (3, 5)),
        ("kernel_gamma", (20,)),
        ("recurrent_gamma", (20,)),
        ("cell_gamma", (5,)),
        ("cell_beta", (5,)),
    ]
    assert [float(v.value.mean()) for v in layer.weights[-4:]] == [1, 1, 1, 0]
    assert len(layers.LSTM(5)(X)) == 4 and "layer_norm" not in layers.LSTM(5).get_config()
    gru = layers.GRU(5, layer_norm=True, layer_norm_epsilon=0.1)
    gru.build((None, 4, 3))
    assert [(v.name, v.shape) for v in gru.weights[3:]] == [("kernel_gamma", (15,)), ("recurrent_gamma", (15,))]
    for made in (layer, gru):
        again = type(made).from_config(made.get_config())
        assert again.get_config() == made.get_config() and again.layer_norm
        assert again.layer_norm_epsilon == made.layer_norm_epsilon


def test_scaling_the_kernels_changes_nothing():
    """What normalisation is for; with an epsilon that does not count beside the variance."""
    layer = randomised(layers.LSTM(6, layer_norm=True, layer_norm_epsilon=1e-12, dtype="float64"))
    expected = layer(X)
    layer.kernel.assign(layer.kernel.value * 7.0)
    layer.recurrent_kernel.assign(layer.recurrent_kernel.value * 0.3)
    states = [np.full((4, 6), 0.1), np.full((4, 6), 0.2)]  # no zero rows, which have no variance
    np.testing.assert_allclose(layer(X, initial_state=states), layer(X, initial_state=states), rtol=0)
    rescaled = layer(X)
    assert np.abs(rescaled[:, 0] - expected[:, 0]).max() < 1e-7


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options", [{}, {"peephole": True, "go_backwards": True}, {"zoneout": (0.2, 0.3)}, {"projection_size": 5}], ids=str
)
def test_programs_give_the_bits_of_the_layer(dtype, options):
    model = rnnfast.Sequential([layers.Input((None, 3), dtype=dtype), layers.Masking(dtype=dtype)])
    model.add(layers.LSTM(19, layer_norm=True, return_sequences=True, dtype=dtype, **options))
    model.add(layers.GRU(5, layer_norm=True, dtype=dtype))
    for variable in model.weights:
        variable.assign(np.random.default_rng(2).normal(0.3, 0.5, variable.shape))
    x = np.where(MASK[:, :, None], X, 0.0).astype(dtype)
    expected = model(x)
    assert_same_bits(rnnfast.InferenceModel(model, dtype=dtype)(x), expected, "program")
    assert_same_bits(model.predict(x, verbose=0), expected, "predict")


def test_a_stream_gives_the_bits_of_the_whole():
    model = rnnfast.Sequential([layers.Input((None, 3)), layers.LSTM(7, layer_norm=True, return_sequences=True)])
    engine = rnnfast.InferenceModel(model)
    stream = engine.stream(4)
    whole = engine(X)
    for t in range(4):
        assert_same_bits(stream.step(X[:, t]), whole[:, t], f"step {t}")


def test_explanation():
    model = rnnfast.Sequential([layers.Input((200, 64)), layers.GRU(512, layer_norm=True)])
    (row,) = rnnfast.InferenceModel(model, threads=2).explain().rows
    assert row["runs"] == "gru, layer normalization"
    assert "normalised before the gates" in row["why"]
    assert row["sharing"].startswith("one thread")


def test_any_number_of_threads_gives_the_bits_of_one():
    """Both directions at once, and layers pipelined over time."""
    first = layers.Bidirectional(layers.LSTM(150, layer_norm=True, return_sequences=True))
    others = [layers.GRU(150, layer_norm=True, return_sequences=True), layers.LSTM(140, layer_norm=True)]
    model = rnnfast.Sequential([layers.Input((None, 3)), first, *others])
    x = np.random.default_rng(3).normal(size=(1, 60, 3))
    one, two = (rnnfast.InferenceModel(model, threads=threads) for threads in (1, 2))
    for _ in range(4):
        assert_same_bits(two(x), one(x), "two threads")


def test_training_learns():
    model = rnnfast.Sequential([layers.Input((4, 3)), layers.LSTM(8, layer_norm=True, dropout=0.1), layers.Dense(1)])
    model.compile(rnnfast.optimizers.Adam(0.01), "mse")
    history = model.fit(X, X.sum((1, 2))[:, None], epochs=60, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]


def test_cell():
    cell = layers.LSTMCell(5, layer_norm=True)
    over_time = layers.RNN(cell)(X)
    layer = layers.LSTM(5, layer_norm=True)
    layer.build((None, 4, 3))
    layer.set_weights(cell.get_weights())
    assert_same_bits(layer(X), over_time, "RNN(LSTMCell)")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: layers.LSTM(3, layer_norm=True, recurrent_dropout=0.5),
            "layer_norm=True and recurrent_dropout=0.5 cannot be combined",
        ),
        (
            lambda: layers.GRU(3, layer_norm=True, layer_norm_epsilon=0),
            "layer_norm_epsilon must be a positive number, got 0",
        ),
        (lambda: layers.GRU(3, layer_norm=True, layer_norm_epsilon=np.nan), "layer_norm_epsilon must be"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_simple_rnn_has_none():
    with pytest.raises(TypeError, match="unknown argument 'layer_norm'"):
        layers.SimpleRNN(3, layer_norm=True)


MANY = np.random.default_rng(5).normal(size=(37, 12, 9))  # more rows than are normalised at a time
LENGTHS = np.arange(37) * 5 % 13


def trained(layer, x, lengths, threads):
    """The output of a training pass, the gradient of the input and those of the weights."""
    before = rnnfast.get_num_threads()
    rnnfast.set_num_threads(threads)
    try:
        for variable in layer.weights:
            variable.grad = None
        y, tape = layer.forward(x, training=True, lengths=lengths)
        dx = layer.backward(np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype), tape)
    finally:
        rnnfast.set_num_threads(before)
    return np.array(y), np.array(dx), [np.array(variable.grad) for variable in layer.weights]


@pytest.mark.parametrize("cell", [layers.LSTM, layers.GRU])
def test_gradients_of_many_rows(cell):
    check(cell(2, dtype="float64", layer_norm=True), MANY[:, :2, :3], lengths=np.minimum(LENGTHS, 2))


@pytest.mark.parametrize("make", [layers.LSTM, layers.GRU, lambda n, **o: layers.GRU(n, reset_after=False, **o)])
def test_training_gives_the_same_bits_with_any_threads_and_rows(make):
    layer = make(150, layer_norm=True, return_sequences=True)
    x = MANY.astype(np.float32)
    layer(x)
    rng = np.random.default_rng(6)
    for variable in layer.weights:
        variable.assign(rng.normal(0.1, 0.3, variable.shape))
    y, dx, gradients = trained(layer, x, LENGTHS, 1)
    for threads in (2, 3):
        others = trained(layer, x, LENGTHS, threads)
        for one, other in zip([y, dx, *gradients], [others[0], others[1], *others[2]], strict=True):
            assert_same_bits(other, one, f"{threads} threads")
    for row in (1, 36):
        assert_same_bits(trained(layer, x[row : row + 1], LENGTHS[row : row + 1], 1)[0][0], y[row], f"row {row} alone")


@pytest.mark.parametrize("cell", [layers.LSTM, layers.GRU])
def test_rows_far_from_zero(cell):
    """Products whose mean is a thousand times their deviation lose three of seven digits, and no more."""
    x = MANY[:, :1]
    single, double = (cell(33, layer_norm=True, dtype=dtype) for dtype in ("float32", "float64"))
    double(x)
    rng = np.random.default_rng(7)
    for variable in double.weights:
        variable.assign(rng.normal(0.5, 0.5, variable.shape))
    double.kernel.assign(double.kernel.value + rng.uniform(1000, 2000, (9, 1)))
    single(x)
    for mine, exact in zip(single.weights, double.weights, strict=True):
        mine.assign(exact.value)
    double.kernel.assign(single.kernel.value.astype(np.float64))
    assert np.abs(single(x.astype(np.float32)) - double(x.astype(np.float32).astype(np.float64))).max() < 5e-3
