"""Activations of the user's own: any layer that takes one predicts with it, and trains where it has a derivative."""

import warnings

import numpy as np
import pytest
from layer_gradients import check
from numeric import assert_close
from own_activations import Bent, no_gradient, own_sigmoid, own_tanh, wave
from own_cells import CALLS, MASK, X

import rnnfast
from rnnfast import activations, layers

pytestmark = pytest.mark.filterwarnings("ignore:.*step by step:UserWarning")

ALONE = {
    "activation": lambda f: layers.Activation(f, dtype="float64"),
    "dense": lambda f: layers.Dense(4, f, dtype="float64"),
    "conv": lambda f: layers.Conv1D(4, 2, padding="causal", activation=f, dtype="float64"),
}
RECURRENT = {
    "simple_rnn": lambda f, **o: layers.SimpleRNN(3, f, **o),
    "lstm": lambda f, **o: layers.LSTM(3, f, f, **o),
    "lstm_gates": lambda f, **o: layers.LSTM(3, "softsign", f, use_bias=False, **o),
    "gru": lambda f, **o: layers.GRU(3, f, f, **o),
    "gru_gates": lambda f, **o: layers.GRU(3, "relu", f, use_bias=False, **o),
    "gru_before": lambda f, **o: layers.GRU(3, f, "sigmoid", reset_after=False, **o),
}
OPTIONS = [{}, {"go_backwards": True, "return_sequences": True}, {"zero_output_for_mask": True, "return_state": True}]


@pytest.mark.parametrize("own", [wave, Bent(0.7), Bent])
@pytest.mark.parametrize("name", ALONE)
def test_gradients(name, own):
    check(ALONE[name](own), X)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("call", CALLS, ids=["plain", "mask", "lengths"])
@pytest.mark.parametrize("name", RECURRENT)
def test_gradients_over_time(name, call, options):
    start = np.random.default_rng(3).normal(size=(4, 3))
    layer = RECURRENT[name](wave, dtype="float64", **options)
    check(layer, X, initial_state=[start] * layer.state_count, **call)


def copy_of(layer, **changes):
    """A layer of other activations with the same weights."""
    made = layer.replica(**changes)
    made.build(X.shape)
    made.set_weights(layer.get_weights())
    return made


@pytest.mark.parametrize("noise", [{}, {"dropout": 0.4}, {"dropout": 0.4, "recurrent_dropout": 0.3}], ids=str)
@pytest.mark.parametrize("call", CALLS, ids=["plain", "mask", "lengths"])
@pytest.mark.parametrize("kind", [layers.SimpleRNN, layers.LSTM, layers.GRU, "before"])
def test_it_is_the_layer_of_the_kernels(kind, call, noise):
    """Written out, tanh and sigmoid give what the built-in ones give: outputs, states and every gradient."""
    options = {
        "dtype": "float64",
        "seed": 4,
        "return_state": True,
        "return_sequences": True,
        "bias_initializer": "normal",
    }
    layer = layers.GRU(3, reset_after=False, **options, **noise) if kind == "before" else kind(3, **options, **noise)
    layer.build(X.shape)
    gates = {} if kind is layers.SimpleRNN else {"recurrent_activation": own_sigmoid}
    own = copy_of(layer, activation=own_tanh, **gates)
    results = []
    for one in (own, layer):
        y, tape = one.forward(one.prepare(X), training=True, **call)
        d = [np.random.default_rng(6).normal(size=part.shape) for part in y]
        results.append([*y, one.backward(d, tape), *tape.d_initial_state, *(v.grad for v in one.weights)])
    for actual, expected in zip(*results, strict=True):
        assert_close(actual, expected, 1e-12, f"{layer.label} {noise}")
    assert_close(own(X, **call)[0], layer(X, **call)[0], 1e-12, "in inference")


@pytest.mark.parametrize("cell", [layers.SimpleRNNCell, layers.LSTMCell, layers.GRUCell])
def test_cells(cell):
    own = cell(3, activation=wave, dtype="float64")
    check(layers.RNN([own, layers.GRUCell(2, dtype="float64")], return_sequences=True), X, mask=MASK)
    layer = own.over_time(return_sequences=True)
    output, states = layers.RNN(own, return_sequences=True)(X), own.get_initial_state(4)
    for t in range(X.shape[1]):
        step, states = own(X[:, t], states)
        assert_close(output[:, t], step, 1e-12, f"step {t}")
    assert layer.activation.function is wave


def test_both_directions_and_kept_states():
    check(layers.Bidirectional(layers.LSTM(3, activation=Bent(0.5), dtype="float64"), dtype="float64"), X, mask=MASK)
    layer = layers.GRU(3, activation=wave, stateful=True)
    layer(X[:, :2])
    whole = copy_of(layer, stateful=False)
    np.testing.assert_allclose(layer(X[:, 2:]), whole(X), rtol=1e-5, atol=1e-6)


def test_the_slow_path_says_so_once():
    layer = layers.LSTM(3, activation=wave, recurrent_activation=own_sigmoid, name="slow")
    with pytest.warns(UserWarning, match=r"layer 'slow' \(LSTM\): activation wave .* step by step") as caught:
        layer(X)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(X)
        layers.Dense(3, activation=wave)(X)


def model_with(*stages):
    model = rnnfast.Sequential([layers.Input((5, 3)), *stages])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    ("stages", "named"),
    [
        ([layers.LSTM(2), layers.Dense(2, no_gradient, name="d")], r"layer 'd' \(Dense\): activation no_gradient"),
        (
            [layers.Dense(2), layers.Activation(np.tanh, name="a"), layers.GRU(2)],
            r"'a' \(Activation\): activation tanh",
        ),
        (
            [layers.GRU(2, recurrent_activation=no_gradient, name="g")],
            r"'g' \(GRU\): recurrent_activation no_gradient",
        ),
        ([layers.TimeDistributed(layers.Dense(2, lambda x: x)), layers.GRU(2)], r"\(Dense\): activation <lambda>"),
        ([layers.RNN(layers.LSTMCell(2, activation=no_gradient))], r"activation no_gradient"),
    ],
)
def test_without_a_derivative_it_predicts_and_is_not_trained(stages, named):
    rnnfast.utils.set_random_seed(0)  # the square of what is squared soon leaves the numbers behind
    model = model_with(*stages)
    for layer in model.layers:
        layer.set_weights([w / 4 for w in layer.get_weights()])
    assert np.isfinite(model.predict(X, verbose=0)).all()
    before = model.get_weights()
    steps = []
    watch = rnnfast.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs=None: steps.append(batch))
    for train in (
        lambda: model.fit(X, X[:, 0, :2], verbose=0, callbacks=[watch]),
        lambda: model.train_on_batch(X, X[:, 0, :2]),
    ):
        with pytest.raises(TypeError, match=f"{named} can predict and not be trained: .* attribute gradient"):
            train()
    assert not steps
    for actual, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_where_nothing_learns_no_derivative_is_needed():
    frozen = layers.LSTM(2, return_sequences=True, trainable=False)
    model = model_with(layers.Activation(no_gradient), frozen, layers.Activation(no_gradient), layers.GRU(2))
    before = model.get_weights()
    assert np.isfinite(model.fit(X, X[:, 0, :2], verbose=0).history["loss"]).all()
    assert np.abs(model.get_weights()[-1] - before[-1]).max() > 0
    x = layers.Input((5, 3))
    beside = layers.concatenate([layers.Activation(no_gradient)(x), layers.Dense(2)(x)])
    model = rnnfast.Model(x, layers.GRU(2)(beside))
    model.compile("sgd", "mse")
    model.fit(X, X[:, 0, :2], verbose=0)
    x = layers.Input((5, 3))
    model = rnnfast.Model(x, layers.Activation(no_gradient)(layers.LSTM(2, return_state=True)(x)[1]))
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="no_gradient can predict"):
        model.fit(X, X[:, 0, :2], verbose=0)


def test_a_model_built_by_its_first_batch_tells_in_the_backward_pass():
    model = rnnfast.Sequential([layers.Dense(2, no_gradient), layers.GRU(2)])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="no_gradient can predict and not be trained"):
        model.fit(((X, X[:, 0, :2]) for _ in range(2)), verbose=0)


def test_fit_trains_through_them():
    rnnfast.utils.set_random_seed(0)
    model = model_with(layers.LSTM(6, activation=wave), layers.Dense(4, Bent(0.5)), layers.Dense(1))
    model.compile(rnnfast.optimizers.Adam(0.03), "mse")
    losses = model.fit(X, X.sum((1, 2))[:, None], epochs=60, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 3


def test_a_name_of_a_built_in_one_is_not_seen_through():
    """The short gradient of softmax or sigmoid and its cross-entropy is for the built-in ones."""

    def sigmoid(x):
        return 0.25 + np.tanh(x) ** 2 / 2

    sigmoid.gradient = lambda x: np.tanh(x) * (1 - np.tanh(x) ** 2)
    for layer in (layers.Dense(1, sigmoid), layers.Activation(sigmoid)):
        assert layer.output_activation is None
    assert layers.Dense(1, "sigmoid").output_activation == "sigmoid"


def test_the_engine_leaves_them_to_the_layers():
    model = model_with(layers.GRU(2, activation=wave, name="g"), layers.Dense(2))
    reason = "layer 'g' (GRU): activation wave is a function of your own, which the engine cannot run"
    explained = model.explain()
    assert reason in str(explained) and [row["runs_on"] for row in explained.rows] == ["Python", "C++"]
    assert "the one thing that leaves the fast path" in explained.rows[0]["costs"]["activation"]
    for make in (
        lambda: layers.Dense(2, wave),
        lambda: layers.Conv1D(2, 2, activation=wave),
        lambda: layers.Activation(wave),
    ):
        with pytest.raises(layers.NoLoweringError, match="activation wave is a function of your own"):
            rnnfast.InferenceModel(model_with(make()))


def test_tokens_go_through():
    model = rnnfast.Sequential(
        [layers.Input((5,)), layers.Embedding(4, 3, mask_zero=True), layers.LSTM(2, activation=wave)]
    )
    tokens = np.random.default_rng(2).integers(0, 4, (6, 5))
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(tokens, np.ones((6, 2)), verbose=0)
    assert all(np.abs(a - b).max() > 0 for a, b in zip(model.get_weights(), before, strict=True))


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (
            lambda: layers.Dense(2, lambda x: x.sum())(X),
            ValueError,
            r"'dense.*activation <lambda>: its value must have",
        ),
        (lambda: layers.Dense(2, lambda x: "x")(X), TypeError, "activation <lambda>: its value"),
        (
            lambda: layers.LSTM(2, wave, peephole=True),
            ValueError,
            "activation wave .* cannot be combined with peephole",
        ),
        (lambda: layers.GRU(2, wave, zoneout=0.1), ValueError, "cannot be combined with zoneout"),
        (lambda: layers.LSTMCell(2, activation=wave, layer_norm=True), ValueError, "be combined with layer_norm"),
        (lambda: layers.LSTM(2, wave, projection_size=2), ValueError, "be combined with projection_size"),
        (lambda: activations.get(3), TypeError, "activation must be a name, .* or a function, got 3 of type int"),
    ],
)
def test_misuse(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_a_gradient_of_another_shape():
    def flat(x):
        return x

    flat.gradient = lambda x: 1.0
    layer = layers.Dense(2, flat)
    y, cache = layer.forward(layer.prepare(X), training=True)
    with pytest.raises(
        ValueError, match=r"activation flat: its gradient must have the shape \(4, 5, 2\) of x, got \(\)"
    ):
        layer.backward(y, cache)


def test_what_it_is_given_stays_as_it_is():
    def cut(x):
        x[x < 0] = 0
        return x

    x = X.copy()
    with pytest.raises(ValueError, match="read-only"):
        layers.Activation(cut)(x)
    y = layers.Activation(lambda x: x)(x)
    y += 1
    np.testing.assert_array_equal(x, X)
