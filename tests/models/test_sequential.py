"""Sequential: building, describing, weights, prediction."""

import numpy as np
import pytest
from numeric import assert_close

import rnnfast
from rnnfast import layers

X = np.random.default_rng(0).normal(size=(7, 5, 3)).astype("float32")


def make(**options):
    stack = [
        layers.Input((5, 3)),
        layers.LSTM(4, return_sequences=True, name="a"),
        layers.Dropout(0.5, name="b"),
        layers.GRU(3, name="c"),
        layers.Dense(2, activation="softmax", name="d"),
    ]
    return rnnfast.Sequential(stack, **options)


def test_summary():
    lines = []
    make(name="net").summary(print_fn=lines.append)
    assert lines == [
        """\
Model: "net"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┓
┃ Layer (type)                       ┃ Output Shape       ┃      Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━┩
│ a (LSTM)                           │ (None, 5, 4)       │          128 │
├────────────────────────────────────┼────────────────────┼──────────────┤
│ b (Dropout)                        │ (None, 5, 4)       │            0 │
├────────────────────────────────────┼────────────────────┼──────────────┤
│ c (GRU)                            │ (None, 3)          │           81 │
├────────────────────────────────────┼────────────────────┼──────────────┤
│ d (Dense)                          │ (None, 2)          │            8 │
└────────────────────────────────────┴────────────────────┴──────────────┘
 Total params: 217 (868.00 B)
 Trainable params: 217 (868.00 B)
 Non-trainable params: 0 (0.00 B)"""
    ]


def test_summary_before_the_shape_is_known_and_frozen_layers():
    lines = []
    rnnfast.Sequential([layers.LSTM(4), layers.Dense(2)]).summary(print_fn=lines.append)
    assert "? " in lines[0] and "0 (unbuilt)" in lines[0] and "Total params: 0 (0.00 B)" in lines[0]
    model = make()
    model.get_layer("a").trainable = False
    model.summary(print_fn=lines.append, show_trainable=True)
    assert "Non-trainable params: 128 (512.00 B)" in lines[1] and "Trainable ┃" in lines[1]


def test_layers_and_shapes():
    model = make()
    assert [la.name for la in model.layers] == ["a", "b", "c", "d"]
    assert (model.input_shape, model.output_shape) == ((None, 5, 3), (None, 2))
    assert model.count_params() == 217 and len(model.weights) == 8
    assert model.pop().name == "d"
    assert model.output_shape == (None, 3)
    model.add(layers.Dense(4))
    assert model.output_shape == (None, 4) and model.predict(X).shape == (7, 4)


def test_built_by_the_first_data():
    model = rnnfast.Sequential([layers.GRU(4), layers.Dense(2)])
    assert not model.built and model.weights == []
    assert model(X).shape == (7, 2)
    assert (model.input_shape, model.output_shape) == ((None, None, 3), (None, 2))
    assert model.predict(X[:, :2]).shape == (7, 2)  # any number of steps
    other = rnnfast.Sequential([layers.GRU(4), layers.Dense(2)])
    other.build((None, None, 3))
    assert other.output_shape == (None, 2)
    fixed = rnnfast.Sequential([layers.LSTM(2, return_sequences=True), layers.Flatten(), layers.Dense(2)])
    assert fixed(X).shape == (7, 2) and fixed.input_shape == (None, 5, 3)
    with pytest.raises(ValueError, match="10 features"):
        fixed(X[:, :2])


def test_config_and_weights_round_trip():
    model = make()
    copy = rnnfast.Sequential.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert copy.get_config() == model.get_config()
    deferred = rnnfast.Sequential([layers.GRU(4), layers.Dense(2)])
    deferred(X)
    assert rnnfast.Sequential.from_config(deferred.get_config()).built


def test_predict_equals_the_layers_one_by_one():
    model = make()
    x = X
    for layer in model.layers:
        x = layer(x)
    assert_close(model.predict(X), x, 2e-6, "predict")
    assert_close(model(X), x, 2e-6, "call")
    np.testing.assert_array_equal(model.predict(X, batch_size=2), model.predict(X))
    np.testing.assert_array_equal(model.predict_on_batch(X), model.predict(X))


def test_predict_follows_the_weights():
    model = make()
    before = model.predict(X)
    model.get_layer("d").bias.assign([3.0, -3.0])
    after = model.predict(X)
    assert (after[:, 0] > 0.9).all() and np.abs(after - before).max() > 0.1
    assert_close(after, model(X), 2e-6, "after assign")


def test_empty_batch():
    assert make().predict(np.zeros((0, 5, 3))).shape == (0, 2)
    tokens = rnnfast.Sequential([layers.Embedding(5, 3), layers.GRU(4, return_sequences=True)])
    assert tokens.predict(np.zeros((0, 6))).shape == (0, 6, 4)


def test_masks_reach_the_recurrent_layer():
    model = rnnfast.Sequential(
        [layers.Embedding(6, 3, mask_zero=True), layers.Dropout(0.2), layers.LSTM(4), layers.Dense(2)]
    )
    padded, bare = np.array([[3, 4, 0, 0], [0, 3, 0, 4]]), np.array([[3, 4]])
    expected = model.predict(bare)
    assert_close(model.predict(padded), np.repeat(expected, 2, 0), 1e-6, "masked")


def test_nested_models():
    inner = rnnfast.Sequential([layers.Masking(), layers.GRU(3, return_sequences=True)], name="inner")
    model = rnnfast.Sequential([layers.Input((5, 3)), inner, layers.LSTM(2)])
    x = X.copy()
    x[:, 3:] = 0
    assert_close(model.predict(x), model(x), 2e-6, "nested")
    alone = rnnfast.Sequential([layers.GRU(3, return_sequences=True), layers.LSTM(2)])
    alone.build((None, None, 3))
    alone.set_weights(model.get_weights())
    assert_close(model(x), alone(x[:, :3]), 1e-6, "mask of the inner model")
    assert rnnfast.Sequential.from_config(model.get_config()).layers[0].name == "inner"
    folded = layers.TimeDistributed(rnnfast.Sequential([layers.Dense(2), layers.Activation("tanh")]))
    assert folded(X).shape == (7, 5, 2)


def test_stateful_model():
    model = rnnfast.Sequential([layers.GRU(4, stateful=True), layers.Dense(1)])
    first = model.predict(X)
    assert np.abs(model.predict(X) - first).max() > 1e-4
    model.reset_states()
    np.testing.assert_array_equal(model.predict(X), first)


def test_float64():
    model = rnnfast.Sequential([layers.LSTM(3, dtype="float64"), layers.Dense(2, dtype="float64")])
    assert model.predict(X).dtype == np.float64
    mixed = rnnfast.Sequential([layers.LSTM(3, dtype="float64"), layers.Dense(2)])
    assert mixed.predict(X).dtype == np.float32
    mixed.compile("sgd", "mse")
    mixed.fit(X, np.zeros((7, 2)), verbose=0)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda m: m.add(3), TypeError, "add takes a layer, got 3"),
        (lambda m: m.add(layers.Dense(2, name="a")), ValueError, "different names, got 'a' twice"),
        (lambda m: m.add(layers.Input((3,))), ValueError, "Input must come first"),
        (lambda m: m.add(layers.LSTM(3)), ValueError, "rank 3"),
        (lambda m: m.predict(np.ones((2, 5, 4))), ValueError, r"of shape \(None, 5, 3\), got \(2, 5, 4\)"),
        (lambda m: m.predict(np.ones((2, 6, 3))), ValueError, r"\(2, 6, 3\)"),
        (lambda m: m.predict(np.ones((2, 3))), ValueError, r"\(2, 3\)"),
        (lambda m: m.predict("abc"), TypeError, "x must be an array, .*, got str"),
        (lambda m: m.predict(None), ValueError, "x is missing"),
        (lambda m: m.predict(X, batch_size=0), ValueError, "batch_size must be a positive integer"),
        (lambda m: m.predict(X, steps=0), ValueError, "steps must be a positive integer"),
        (lambda m: m.set_weights([]), ValueError, "expected 8 weights, got 0"),
        (lambda m: m.get_layer("zz"), ValueError, "no layer 'zz'; it has a, b, c, d"),
        (lambda m: m.get_layer(index=9), ValueError, "has 4 layers, got index 9"),
        (lambda m: rnnfast.Sequential().pop(), ValueError, "no layers"),
        (lambda m: rnnfast.Sequential().build((None, 2)), ValueError, "no layers"),
        (lambda m: rnnfast.Sequential().build(), ValueError, "needs input_shape"),
        (lambda m: rnnfast.Sequential([layers.LSTM(2)]).count_params(), ValueError, "not built"),
        (
            lambda m: rnnfast.Sequential([layers.Input((5, 3)), layers.LSTM(2, return_state=True)]),
            ValueError,
            "one output",
        ),
        (lambda m: rnnfast.Sequential([layers.Embedding(4, 2)]).predict([[1, 9]]), ValueError, "token 9"),
    ],
)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call(make())


def test_predict_gives_a_softmax_its_mask():
    model = rnnfast.Sequential([layers.Input((5, 5)), layers.Masking(), layers.Softmax()])
    x = np.random.default_rng(1).normal(size=(5, 5, 5)).astype("float32")
    x[2, 3:] = 0  # the mask (batch, time) meets the last two axes of x, as in Keras
    assert np.any(model(x) == 0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model(x))
    with pytest.raises(ValueError, match=r"mask of shape \(4, 5\) cannot be broadcast to input of shape \(4, 5, 5\)"):
        model.predict(x[:4], verbose=0)


def test_predict_follows_activations_that_are_set_anew():
    model = make()
    model.predict(X, verbose=0)
    model.get_layer("d").activation = rnnfast.activations.linear  # the usual way to logits
    model.get_layer("a").recurrent_activation = rnnfast.activations.hard_sigmoid
    assert_close(model.predict(X, verbose=0), model(X), 2e-6, "predict")
    assert model.explain().off_engine is None
