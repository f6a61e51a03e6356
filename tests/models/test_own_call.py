"""Models whose `call` is the user's: recorded layer by layer, trained, masked, and what they refuse."""

import copy

import numpy as np
import pytest
from numeric import assert_close, assert_same_bits, assert_variable_gradients, projected

import rnnfast
from rnnfast import layers

RNG = np.random.default_rng(6)
X = RNG.normal(size=(3, 4, 2))


class Residual(rnnfast.Model):
    """Shared and nested layers, arithmetic, states; two outputs."""

    def __init__(self, **options):
        super().__init__(**options)
        self.lift = layers.Dense(3, dtype="float64")
        self.stack = [layers.LSTM(3, return_sequences=True, return_state=True, dtype="float64")]
        self.parts = {"last": layers.GRU(3, dtype="float64")}
        self.head = rnnfast.Sequential([layers.Dense(2, "tanh", dtype="float64"), layers.Dense(1, dtype="float64")])
        self.drop = layers.Dropout(0.5, seed=1, dtype="float64")
        self.dropped = False

    def call(self, x, training=False):
        self.dropped = training
        lifted = self.lift(x)
        steps, h, c = self.stack[0](lifted)
        steps = self.drop(steps * lifted - lifted)
        return {"last": self.parts["last"](steps, initial_state=h), "head": self.head(c + h)}


def randomized(model, x=X):
    model.predict(x, verbose=0)
    model.set_weights([RNG.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


def test_gradients():
    model = randomized(Residual())
    model.drop.rate = 0.0
    assert len(model.weights) == 2 + 3 + 3 + 4
    outputs, _, tape = model.run([X], [None], training=True)
    assert model.dropped is True
    dy = [RNG.normal(size=y.shape) for y in outputs]
    model.backward_run(dy, tape, [False, False])
    assert_variable_gradients(lambda: projected(dy, model.run([X], [None], False)[0]), model.weights)


def test_training_and_names():
    model = randomized(Residual())
    model.compile("adam", "mse")
    assert model.output_names == ["head", "last"]
    y = {"head": np.ones((3, 1)), "last": np.zeros((3, 3))}
    history = model.fit(X, y, epochs=20, verbose=0).history
    assert set(history) == {"loss", "head_loss", "last_loss"}
    assert history["loss"][-1] < history["loss"][0]


def test_built_by_fit_alone():
    model = Residual()
    model.compile("sgd", {"head": "mse"})
    assert np.isfinite(model.fit(X, {"head": np.ones((3, 1))}, verbose=0).history["loss"]).all()


class Two(rnnfast.Model):
    def __init__(self):
        super().__init__()
        self.words = layers.Embedding(9, 4, mask_zero=True)
        self.rnn = layers.GRU(3)
        self.end = layers.Dense(2)

    def call(self, x):
        tokens, more = x
        return self.end(layers.concatenate([self.rnn(self.words(tokens)), more]))


def test_several_inputs_and_masks():
    tokens, more = RNG.integers(1, 9, (4, 6)), RNG.normal(size=(4, 2)).astype(np.float32)
    model = randomized(Two(), [tokens, more])
    assert model.input_names == ["input_1", "input_2"]
    padded = np.hstack([tokens, np.zeros((4, 3), int)])
    expected = model([tokens, more])
    assert_close(model.predict([padded, more], verbose=0), expected, 1e-6, "masked steps are skipped")
    assert_close(rnnfast.InferenceModel(model)([tokens, more]), expected, 2e-6, "engine")
    with pytest.raises(ValueError, match=r"token 2\d"):
        model([tokens + 20, more])


def test_inside_other_models():
    x = rnnfast.Input((4, 2), name="x")
    own = Residual(name="own")
    functional = rnnfast.Model(x, own(x)["head"])
    chained = rnnfast.Sequential([rnnfast.Input((4, 2)), layers.Dense(2, dtype="float64"), Plain()])
    randomized(functional)
    expected = own(X)["head"]
    assert_same_bits(functional.predict(X, verbose=0), np.asarray(expected), "functional")
    chained.compile("sgd", "mse")
    before = chained.get_weights()
    chained.fit(X, np.ones((3, 3)), verbose=0)
    assert all(not np.array_equal(a, b) for a, b in zip(before[:2], chained.get_weights()[:2], strict=True))


class Plain(rnnfast.Model):
    def __init__(self):
        super().__init__()
        self.rnn = layers.SimpleRNN(3, dtype="float64")

    def call(self, x):
        return self.rnn(x)


def test_what_call_does_may_change():
    """predict follows what `call` does now, on the engine."""

    class Switch(Plain):
        twice = False

        def call(self, x):
            y = self.rnn(x)
            return y + y if self.twice else y

    model = randomized(Switch())
    once = model.predict(X, verbose=0)
    model.twice = True
    assert_close(model.predict(X, verbose=0), 2 * once, 1e-12, "twice")
    engine = model.predictor._engine
    model.predict(X, verbose=0)
    assert model.explain().off_engine is None and model.predictor._engine is engine is not None


def test_arrays_in_a_call_may_change():
    """Arrays as call arguments keep a model off the engine, and are heeded as they are."""

    class Started(Plain):
        start = np.zeros((3, 3))

        def call(self, x):
            return self.rnn(x, initial_state=self.start)

    model = randomized(Started())
    for start in (0.0, 1.0, 2.0):
        model.start = np.full((3, 3), start)
        assert_close(model.predict(X, verbose=0), model.rnn(X, initial_state=model.start), 1e-12, f"from {start}")


def test_copies_and_weights():
    model = randomized(Residual())
    again = copy.deepcopy(model)
    for name, expected in model.predict(X, verbose=0).items():
        assert_same_bits(again.predict(X, verbose=0)[name], expected, name)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert model.get_layer(index=0) is model.lift
    model.summary(print_fn=lambda text: None)


class Gated(layers.Layer):
    """Changes what it does, inside of a model that does not."""

    def __init__(self):
        super().__init__(dtype="float64")
        self.dense, self.gated = layers.Dense(2, dtype="float64"), False

    def call(self, x):
        return x * self.dense(x) if self.gated else self.dense(x)


def test_what_the_call_of_a_layer_does_may_change():
    model = rnnfast.Sequential([layers.Input((4, 2)), Gated(), layers.GRU(2, dtype="float64")])
    for gated in (False, True):
        model.layers[0].gated = gated
        y = X * model.layers[0].dense(X) if gated else model.layers[0].dense(X)
        assert_close(model.predict(X, verbose=0), model.layers[1](y), 1e-12, f"gated {gated}")
    assert model.explain().off_engine is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_engine_gives_what_the_layers_give(dtype):
    """In `predict`, `evaluate` and an InferenceModel, for any number of steps."""

    class Stack(rnnfast.Model):
        def __init__(self):
            super().__init__()
            self.lift = layers.Dense(4, "tanh", dtype=dtype)
            self.rnns = [layers.GRU(4, return_sequences=True, dtype=dtype), layers.LSTM(4, dtype=dtype)]
            self.end = layers.Dense(2, dtype=dtype)

        def call(self, x, training=None):
            x = self.lift(x)
            return [self.end(self.rnns[1](x + self.rnns[0](x))), x]

    model = randomized(Stack())
    assert model.explain().off_engine is None and model.input_shape == (None, None, 2)
    longer = RNG.normal(size=(5, 9, 2))
    for x in (X, longer):
        plain = model.run([x], [None], training=False)[0]
        for given in (model.predict(x, verbose=0), rnnfast.InferenceModel(model, dtype=dtype)(x)):
            for actual, expected in zip(given, plain, strict=True):
                assert_close(actual, expected, 1e-12 if dtype == "float64" else 1e-6, "engine")
    model.compile("sgd", ["mse", None])
    expected = ((model.predict(X, verbose=0)[0] - 1) ** 2).mean()
    assert_close(model.evaluate(X, [np.ones((3, 2))], verbose=0), expected, 1e-6, "evaluate")


class Sum(Plain):
    """Inputs of whatever sizes meet."""

    def call(self, x):
        return self.rnn(x[0] + x[1])


def test_inputs_that_meet_keep_the_sizes_of_the_first_data():
    model, pair = Sum(), [X.astype("float32"), RNG.normal(size=X.shape).astype("float32")]
    randomized(model, pair)
    assert model.input_shape == [(None, None, 2)] * 2 and model.explain().off_engine is None
    engine = rnnfast.InferenceModel(model)
    assert engine.input_shape == [(None, 4, 2)] * 2 and engine.output_shape == (None, 3)
    assert_close(engine(pair), model(pair), 1e-6, "InferenceModel")
    for length in (4, 2):  # others go layer by layer
        given = [x[:, :length] for x in pair]
        assert_close(model.predict(given, verbose=0), model(given), 1e-6, f"{length} steps")
    own = type("Bare", (rnnfast.Model,), {"call": lambda self, x: x[0] * x[1]})()
    np.testing.assert_array_equal(own(pair), pair[0] * pair[1])
    assert own.output_shape == (None, None, 2) and own.compute_output_shape([(None, 4, 2)] * 2) == (None, 4, 2)
    np.testing.assert_array_equal(rnnfast.InferenceModel(own)(pair), pair[0] * pair[1])


def test_what_keeps_a_model_off_the_engine():
    class Shaped(Plain):
        def call(self, x):
            assert x.shape[1] > 0, "None is no number"
            return self.rnn(x)

    model = randomized(Shaped())
    assert model.input_shape == (None, 4, 2) and model.explain().off_engine is None


def calling(function):
    return type("Calling", (Plain,), {"call": function})(), X


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda self, x: x / x, "/ is not defined.*input_1"),
        (lambda self, x: np.tanh(self.rnn(x)), "numpy.tanh.*simple_rnn"),
        (lambda self, x: abs(self.rnn(x)), r"abs\(\)"),
        (lambda self, x: np.ones(3), "must give outputs of layers"),
        (lambda self, x: layers.add([x, X]), "outputs of layers"),
    ],
)
def test_only_layers(function, message):
    model, x = calling(function)
    with pytest.raises(TypeError, match=message):
        model.predict(x, verbose=0)


def test_layers_that_the_model_does_not_hold():
    model, x = calling(lambda self, x: layers.Dense(2, name="stray")(layers.Activation("tanh")(x)))
    with pytest.raises(ValueError, match=r"layer 'stray' .*keep it as an attribute"):
        model.predict(x, verbose=0)


def test_without_a_call():
    with pytest.raises(TypeError, match="must define call"):
        type("Empty", (rnnfast.Model,), {})().predict(X)
