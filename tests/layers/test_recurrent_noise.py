"""Dropout and zoneout of recurrent layers: gradients, where they act, and how they are drawn."""

import numpy as np
import pytest
from layer_gradients import check

import rnnfast
from rnnfast import layers

X = np.random.default_rng(0).normal(size=(4, 5, 3))
MASK = np.array([[1, 1, 1, 1, 1], [1, 0, 1, 0, 1], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]], bool)
DROPOUT = [{"dropout": 0.4}, {"recurrent_dropout": 0.4}, {"dropout": 0.3, "recurrent_dropout": 0.3}]
CASES = [
    *((cell, options) for cell in (layers.SimpleRNN, layers.LSTM, layers.GRU) for options in DROPOUT),
    (layers.GRU, {"reset_after": False, "dropout": 0.3, "recurrent_dropout": 0.3}),
    (layers.LSTM, {"peephole": True, "dropout": 0.3, "recurrent_dropout": 0.3}),
    (layers.LSTM, {"projection_size": 2, "dropout": 0.3, "recurrent_dropout": 0.3}),
    (layers.LSTM, {"zoneout": (0.5, 0.2)}),
    (layers.LSTM, {"zoneout": 0.3, "dropout": 0.3, "recurrent_dropout": 0.3}),
    (layers.GRU, {"zoneout": 0.4}),
    (layers.GRU, {"zoneout": 0.4, "recurrent_dropout": 0.3, "reset_after": False}),
]


def restart(layer):
    """Draw the same again."""
    if isinstance(layer, layers.Bidirectional):
        restart(layer.forward_layer)
        restart(layer.backward_layer)
    else:
        layer.noise.generator = np.random.default_rng(5)


def check_gradients(layer, **call):
    def forward(x):
        restart(layer)
        return layer.forward(x, training=True, **call)

    check(layer, X, forward)


@pytest.mark.parametrize(("cell", "options"), CASES, ids=lambda v: v.__name__ if isinstance(v, type) else str(v))
def test_gradients(cell, options):
    check_gradients(cell(3, dtype="float64", return_sequences=True, **options))
    check_gradients(cell(3, dtype="float64", go_backwards=True, **options), mask=MASK)
    inner = cell(2, dtype="float64", return_sequences=True, **options)
    check_gradients(layers.Bidirectional(inner, dtype="float64"), mask=MASK)


@pytest.mark.parametrize(("cell", "options"), CASES[:12], ids=str)
def test_dropout_leaves_inference_alone(cell, options):
    plain = cell(3, **{k: v for k, v in options.items() if "dropout" not in k})
    layer = cell(3, **options)
    expected = plain(X)
    layer.build(X.shape)
    layer.set_weights(plain.get_weights())
    np.testing.assert_array_equal(layer(X), expected)
    assert not np.array_equal(layer(X, training=True), expected)


def test_seeds():
    def draws(**options):
        layer = layers.LSTM(8, dropout=0.5, recurrent_dropout=0.5, kernel_initializer="ones", **options)
        layer.recurrent_initializer = layer.kernel_initializer
        return [layer(X, training=True) for _ in range(2)]

    first, second = draws(seed=3)
    np.testing.assert_array_equal((first, second), draws(seed=3))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, draws(seed=4)[0])
    results = []
    for _ in range(2):
        rnnfast.utils.set_random_seed(1)
        results.append(draws())
    np.testing.assert_array_equal(*results)


def test_rates():
    layer = layers.GRU(40, dropout=0.25, recurrent_dropout=0.4, zoneout=0.1, seed=0)
    drawn = layer.noise.draw(50, 20, 30, 40, "float32")
    assert drawn.x_factors.shape == (3, 50, 30) and drawn.h_factors.shape == (3, 50, 40)
    for factors, rate in ((drawn.x_factors, 0.25), (drawn.h_factors, 0.4)):
        assert set(np.unique(factors)) == {np.float32(0), np.float32(1 / (1 - rate))}
        assert abs((factors == 0).mean() - rate) < 0.03
    assert not np.array_equal(drawn.h_factors[0], drawn.h_factors[1])
    (kept,) = drawn.zoneout
    assert kept.shape == (50, 20, 40) and abs(kept.mean() - 0.1) < 0.01


@pytest.mark.parametrize("layer", [layers.LSTM(3, zoneout=(0.3, 0.6)), layers.GRU(3, zoneout=0.3)])
def test_inference_takes_the_expectation_of_zoneout(layer):
    """One step: the mean over many draws is what inference gives, for the states and so for the output."""
    x = np.repeat(X[:1, :1], 20000, axis=0)
    states = [np.full((20000, 3), 0.7) for _ in range(layer.state_count)]
    layer.return_state = True
    drawn = layer(x, training=True, initial_state=states)
    expected = layer(x[:1], initial_state=[s[:1] for s in states])
    for many, one in zip(drawn, expected, strict=True):
        assert len(np.unique(many[:, 0])) == 2
        np.testing.assert_allclose(many.mean(0), one[0], atol=0.01)


def test_zoneout_of_one_keeps_the_state():
    layer = layers.LSTM(3, zoneout=(0.0, 1.0))
    h = np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32)
    np.testing.assert_array_equal(layer(X, initial_state=[h, h]), h)
    np.testing.assert_array_equal(layer(X, training=True, initial_state=[h, h]), h)


def test_the_engine_drops_nothing():
    dropped = rnnfast.Sequential([layers.Input((5, 3)), layers.LSTM(4, recurrent_dropout=0.2)])
    np.testing.assert_allclose(rnnfast.InferenceModel(dropped)(X), dropped(X), atol=1e-6)


def test_config():
    layer = layers.LSTM(3, dropout=0.1, recurrent_dropout=0.2, zoneout=(0.3, 0.4), seed=5)
    again = layers.LSTM.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.zoneout == (0.3, 0.4) and again.noise.zoneout == (0.4, 0.3)
    assert "zoneout" not in layers.LSTM(3).get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.LSTM(3, zoneout=1.5), "zoneout must be a number from 0 to 1, got 1.5"),
        (lambda: layers.LSTM(3, zoneout=(0.1, 0.1, 0.1)), "zoneout must hold 2 rates"),
        (lambda: layers.GRU(3, zoneout=(0.1, 0.1)), "zoneout must hold 1 rates"),
        (
            lambda: layers.LSTM(3, zoneout=0.1, projection_size=2),
            "projection_size=2 and zoneout=0.1 cannot be combined",
        ),
        (lambda: layers.LSTM(3, zoneout=0.1, peephole=True), "peephole=True and zoneout=0.1 cannot be combined"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
    with pytest.raises(TypeError, match="unknown argument 'zoneout'"):
        layers.SimpleRNN(3, zoneout=0.1)
