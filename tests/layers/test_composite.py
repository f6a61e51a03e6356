"""Layers of the user's own with a `call` alone: their gradients, weights, shapes and masks are those of the layers they
call; what is no layer's they do on arrays, and say so in training."""

import copy
import pickle

import numpy as np
import pytest
from composites import Encoder, Reader, Scaled, drawn, randomized
from layer_gradients import check
from numeric import assert_close, assert_same_bits, assert_variable_gradients, finite_difference, projected

import rnnfast
from rnnfast import layers

RNG = np.random.default_rng(11)
X = RNG.normal(size=(3, 4, 2))
TOKENS = np.array([[3, 1, 0, 0], [2, 2, 4, 1], [5, 0, 3, 0]])


class Outer(layers.Layer):
    """Made of such layers, one in a wrapper."""

    def __init__(self, **options):
        super().__init__(**options)
        self.inner = (Encoder(dtype=self.dtype), layers.TimeDistributed(Encoder(2, dtype=self.dtype)))

    def call(self, x):
        first, over_time = self.inner
        return over_time(layers.Reshape((4, 1, 3), dtype=self.dtype)(first(x)))


@pytest.mark.parametrize("make", [Encoder, Outer])
def test_gradients(make):
    layer = make(dtype="float64")
    check(layer, X)
    assert layer.losses and not layer.stateful


def test_gradients_of_several_arguments_and_results():
    layer = Reader(dtype="float64")
    query, context = RNG.normal(size=(2, 4, 3)), RNG.normal(size=(2, 5, 2))
    layer(query, context)
    randomized(layer)
    y, cache = layer.forward_beside(query, None, True, {"context": context}, {})[::2]
    assert y["read"].shape == (2, 4, 3) and y["both"][0].shape == (2, 4, 6)
    dy = {"read": RNG.normal(size=(2, 4, 3)), "both": [RNG.normal(size=(2, 4, 6)), None]}

    def value():
        y = layer(query, context=context)
        return projected([dy["read"], dy["both"][0]], [y["read"], y["both"][0]])

    dx = layer.backward(dy, cache)
    assert_close(dx, finite_difference(value, query), 1e-6, "dx")
    assert_close(layer.option_gradient("context", cache), finite_difference(value, context), 1e-6, "d context")
    assert_variable_gradients(value, layer.weights)


def test_several_arguments_in_a_model():
    query, context = layers.Input((4, 3)), layers.Input((5, 2))
    lifted = layers.Dense(2)(context)
    y = Reader()(query, lifted)
    assert y["both"][0].shape == (None, 4, 6)
    model = rnnfast.Model([query, context], [y["both"][0], y["read"]])
    model.compile("sgd", "mse")
    x = [RNG.normal(size=(2, 4, 3)), RNG.normal(size=(2, 5, 2))]
    before = model.get_weights()
    model.fit(x, [np.ones((2, 4, 6)), np.ones((2, 4, 3))], verbose=0)
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    for fast, plain in zip(model.predict(x, verbose=0), model(x), strict=True):
        assert_close(fast, plain, 1e-6, "engine")
    assert model.explain().off_engine is None


def functional(make):
    """A model in which `make(encoder, x)` calls two encoders, one of them twice."""
    rnnfast.utils.set_random_seed(3)
    x = layers.Input((4,))
    words = layers.Embedding(6, 3, mask_zero=True)(x)
    shared, last = Encoder(rate=0.5), Encoder(4)
    y = make(last, make(shared, make(shared, words)))
    model = rnnfast.Model(x, layers.Dense(2)(layers.GRU(3)(y)))
    model.compile("adam", "mse")
    return model


def test_trains_as_its_layers_do():
    """To the bit, with masks, dropout and penalties; and gives the same on the engine and layer by layer."""
    own, plain = functional(lambda encoder, x: encoder(x)), functional(drawn)
    y = RNG.normal(size=(3, 2))
    for model in (own, plain):
        model.history = model.fit(TOKENS, y, epochs=3, shuffle=False, verbose=0).history
        model.scores = model.evaluate(TOKENS, y, verbose=0)
    assert own.history == plain.history and own.scores == plain.scores
    assert next(layer for layer in own.layers if isinstance(layer, Encoder)).trained is False
    assert_same_bits(own.predict(TOKENS, verbose=0), plain.predict(TOKENS, verbose=0), "predict")
    assert_close(own(TOKENS), own.predict(TOKENS, verbose=0), 1e-6, "call")
    told = own.explain()
    assert told.off_engine is None and {row["runs_on"] for row in told.rows} == {"C++", "NumPy"}


def test_truncated_back_propagation():
    """States go on inside, as they do where the same layers stand in a graph."""
    histories = []
    for make in (lambda encoder, x: encoder(x), drawn):
        rnnfast.utils.set_random_seed(4)
        x = layers.Input((8, 2))
        model = rnnfast.Model(x, make(Encoder(), x))
        model.compile("sgd", "mse")
        long = np.concatenate([X, -X], axis=1)
        history = model.fit(long, long.repeat(2, 2)[..., :3], epochs=2, tbptt=3, shuffle=False, verbose=0)
        histories.append(history.history)
    assert histories[0] == histories[1]


def test_in_sequential_with_any_number_of_steps():
    model = rnnfast.Sequential([Encoder(), layers.Bidirectional(layers.LSTM(2))])
    model.compile("sgd", "mse")
    model.fit(X, np.ones((3, 4)), verbose=0)
    longer = RNG.normal(size=(2, 9, 2))
    assert_close(model.predict(longer, verbose=0), model(longer), 1e-6, "engine")
    assert model.layers[0].compute_output_shape((None, None, 2)) == (None, None, 3)
    summary = []
    model.summary(print_fn=summary.append)
    assert "(None, None, 3)" in summary[0]


def test_weights_and_freezing():
    layer = Encoder()
    layer(X)
    assert len(layer.weights) == 2 + 2 + 3 + 2 == len(set(layer.weights))
    layer.layers[0].trainable = False
    assert len(layer.trainable_weights) == 6 and len(layer.non_trainable_weights) == 3
    layer.trainable = False
    assert not layer.trainable_weights and not layer.ends["norm"].trainable
    model, before = rnnfast.Sequential([layer, layers.Dense(1)]), layer.get_weights()
    model.compile("sgd", "mse")
    model.fit(X, np.ones((3, 4, 1)), verbose=0)
    for weight, start in zip(layer.get_weights(), before, strict=True):
        assert_same_bits(weight, start, "frozen")


def test_copies():
    model = rnnfast.Sequential([layers.Input((4, 2)), Encoder(), layers.GRU(2)])
    model.compile("adam", "mse")
    x = X.astype("float32")
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), rnnfast.models.clone_model(model)):
        again.set_weights(model.get_weights())
        assert_same_bits(again.predict(x, verbose=0), model.predict(x, verbose=0), "copy")
        assert not set(map(id, again.weights)) & set(map(id, model.weights))
        again.fit(x, np.ones((3, 2)), verbose=0)


class Masked(layers.Layer):
    """Asks for the mask, and keeps it to itself unless it says that it supports masking."""

    def __init__(self, supports_masking, **options):
        super().__init__(**options)
        self.supports_masking = supports_masking
        self.dense = layers.Dense(3)
        self.last = layers.Permute((2, 1))

    def call(self, x, mask=None):
        self.mask = mask
        return self.last(self.last(self.dense(x)))


@pytest.mark.parametrize("supports_masking", [False, True])
def test_masks(supports_masking):
    own = Masked(supports_masking)
    model = rnnfast.Sequential([layers.Input((4,)), layers.Embedding(6, 3, mask_zero=True), own, layers.GRU(2)])
    words, _, rnn = model.layers
    y = own.last(own.last(own.dense(words(TOKENS))))
    expected = rnn(y, mask=TOKENS != 0) if supports_masking else rnn(y)
    assert_close(model.predict(TOKENS, verbose=0), expected, 1e-6, "predict")
    np.testing.assert_array_equal(own.mask, TOKENS != 0)
    assert "asks for masks" in model.explain().off_engine
    assert own.creates_mask is False and own.carries_mask is supports_masking


class Padded(layers.Layer):
    """Gets a mask under a name of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.rnn = layers.GRU(3, return_sequences=True, dtype=self.dtype)

    def call(self, x, padding=None):
        return self.rnn(x, mask=padding)


def test_masks_under_another_name():
    layer, padding = Padded(dtype="float64"), RNG.random((3, 4)) < 0.6
    layer(X)
    randomized(layer)
    expected = layer.rnn(X, mask=padding)
    assert_close(layer(X, padding), expected, 1e-12, "by position")
    assert_close(layer(X, padding=padding), expected, 1e-12, "by name")
    y, cache = layer.forward_beside(X, None, True, {"padding": padding}, {})[::2]
    dy = RNG.normal(size=y.shape)
    expected = finite_difference(lambda: projected(dy, layer(X, padding)), X)
    assert_close(layer.backward(dy, cache), expected, 1e-6, "dx")
    assert layer.option_gradient("padding", cache) is None
    with pytest.raises(TypeError, match=r"backward.* called with training=False"):
        layer.backward(dy, layer.forward(X)[1])


def test_masks_written_as_lists():
    own = Masked(True)
    own(X, mask=(RNG.random((3, 4)) < 0.5).tolist())
    assert own.mask.shape == (3, 4)


def test_masks_made_inside():
    class Words(layers.Layer):
        def __init__(self):
            super().__init__()
            self.table = layers.Embedding(6, 3, mask_zero=True)

        def call(self, tokens):
            return self.table(tokens)

    own = Words()
    model = rnnfast.Sequential([layers.Input((4,)), own, layers.LSTM(2)])
    assert own.creates_mask
    expected = model.layers[1](own.table(TOKENS), mask=TOKENS != 0)
    assert_close(model.predict(TOKENS, verbose=0), expected, 1e-6, "engine")
    assert model.explain().off_engine is None


def test_states_inside():
    class Kept(layers.Layer):
        def __init__(self):
            super().__init__()
            self.rnn = layers.GRU(3, stateful=True)

        def call(self, x):
            return self.rnn(x)

    own = Kept()
    first, second = own(X), own(X)
    assert own.stateful and np.abs(first - second).max() > 1e-3
    own.reset_state()
    assert_same_bits(own(X), first, "from zero again")


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_is_no_layer_predicts_and_does_not_train(wrapped):
    own = Scaled(dtype="float64", name="mine")
    layer = layers.TimeDistributed(own, dtype="float64") if wrapped else own
    model = rnnfast.Sequential([layers.Input((4, 2)), layer, layers.Dense(1, dtype="float64")])
    randomized(model)
    assert [v.name for v in own.weights] == ["scale", "kernel", "bias"]
    y = np.tanh(X * own.scale.numpy() @ own.dense.weights[0].numpy() + own.dense.weights[1].numpy())
    assert_close(model.predict(X, verbose=0), model.layers[1](y), 1e-12, "predict")
    model.compile("sgd", "mse")
    told = r"layer 'mine' \(Scaled\) does not define backward.*\* with a ndarray .* input 'x' .*define both passes"
    with pytest.raises(TypeError, match=told):
        model.fit(X, np.ones((3, 4, 1)), verbose=0)
    assert model.explain().rows[0]["runs_on"] == "Python"
    assert "without values" in model.explain().off_engine


@pytest.mark.parametrize("given", [None, layers.Dense(2), [X, None]], ids=["nothing", "a layer", "nothing beside x"])
def test_what_a_call_must_give(given):
    class Mine(layers.Layer):
        def call(self, x):
            return given

    with pytest.raises(TypeError, match=r"layer 'mine.*' \(Mine\): what call gives must be numeric, got"):
        Mine()(X)


def test_what_is_no_layer_before_all_that_learns():
    """Nothing asks for its gradient."""

    class Halved(layers.Layer):
        def call(self, x):
            return x**2

    model = rnnfast.Sequential([Halved(), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(X, np.ones((3, 4, 1)), verbose=0).history["loss"]).all()


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x**2, lambda x: abs(x), lambda x: 1 / x, lambda x: x / x, lambda x: x.sum(), lambda x: x.T,
        lambda x: np.ones((2, 3)) @ x, lambda x: x > 0, lambda x: np.where(x, x, x),
    ],
)  # fmt: skip
def test_every_operation_of_arrays_is_refused_alike(operation):
    class Own(layers.Layer):
        def call(self, x):
            return operation(x)

    array = RNG.normal(size=(3, 2))
    assert_close(Own(dtype="float64")(array), operation(array) * 1.0, 1e-12, "predicts")
    with pytest.raises(TypeError, match="does not define backward"):
        layer = Own(dtype="float64")
        layer.backward(array, layer.forward(array, training=True)[1])


def test_layers_that_it_does_not_hold():
    class Stray(layers.Layer):
        def call(self, x):
            return layers.Dense(2, name="stray")(x)

    with pytest.raises(ValueError, match=r"'stray' .*keep it as an attribute"):
        rnnfast.Sequential([layers.Input((4, 2)), Stray()])


def test_unknown_arguments():
    layer = Encoder(name="mine")
    with pytest.raises(TypeError, match=r"layer 'mine' .* unknown call argument 'more'; it takes x, training"):
        layer(X, more=1)
