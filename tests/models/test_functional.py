"""Functional models: what is computed and learned, what they tell, copies, and errors."""

import copy
import pickle

import numpy as np
import pytest
from numeric import assert_close, assert_same_bits, assert_variable_gradients, finite_difference, projected

import rnnfast
from rnnfast import Input, Model, layers
from rnnfast.layers.tape import Tape

RNG = np.random.default_rng(3)


def randomized(model):
    model.set_weights([RNG.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


def encoder_decoder(dtype="float64"):
    """Two inputs, two outputs, states from one layer to another, a shared layer, a model inside."""
    source, target = Input((4, 2), name="source"), Input((3, 2), name="target")
    shared = layers.Dense(3, "tanh", dtype=dtype, name="shared")
    _, h, c = layers.LSTM(3, return_state=True, dtype=dtype, name="encoder")(shared(source))
    steps = layers.LSTM(3, return_sequences=True, dtype=dtype, name="decoder")(shared(target), initial_state=[h, c])
    start = Input((3,))
    inner = Model(start, layers.Dense(2, dtype=dtype)(start), name="inner")
    return randomized(Model([source, target], {"steps": steps * shared(target), "end": inner(h + c)}))


X = [RNG.normal(size=(2, 4, 2)), RNG.normal(size=(2, 3, 2))]


def test_gradients_of_a_graph():
    model = encoder_decoder()
    arrays = [x.copy() for x in X]
    outputs, _, tape = model.run(arrays, [None, None], training=True)
    dy = [RNG.normal(size=y.shape) for y in outputs]

    def value():
        return projected(dy, model.run(arrays, [None, None], False)[0])

    for variable in model.weights:
        variable.grad = None
    dx = model.backward(dict(zip(model.output_names, dy, strict=True)), (tape, None, ["float64"] * 2))
    for actual, x in zip(dx, arrays, strict=True):
        assert_close(actual, finite_difference(value, x), 1e-6, "input")
    assert_variable_gradients(value, model.weights)


@pytest.mark.parametrize("layer", [layers.GRU, layers.LSTM, layers.SimpleRNN])
@pytest.mark.parametrize("both", [False, True])
def test_gradients_through_states(layer, both):
    """The initial states of a layer learn, those of both directions too."""
    x = Input((3, 2))
    make = (lambda **o: layers.Bidirectional(layer(2, dtype="float64", **o), dtype="float64")) if both else (
        lambda **o: layer(2, dtype="float64", **o)
    )  # fmt: skip
    _, *states = make(return_state=True)(x)
    model = randomized(Model(x, make()(x, initial_state=states)))
    array = RNG.normal(size=(2, 3, 2))
    y, cache = model.forward([array], training=True)
    dy = RNG.normal(size=y.shape)
    expected = finite_difference(lambda: projected(dy, model.forward([array])[0]), array)
    assert_close(model.backward(dy, cache), expected, 1e-6, "input")


def test_engine_and_layers_agree():
    x, z = Input((5, 3)), Input((5, 3))
    both = layers.Bidirectional(layers.GRU(4, return_sequences=True))(x)
    other = layers.LSTM(8, return_sequences=True)(z)
    merges = [layers.Add(), layers.Subtract(), layers.Multiply(), layers.Average(), layers.Maximum(), layers.Minimum()]
    ends = [layers.Dense(2)(layers.LSTM(3)(merge([both, other]))) for merge in merges]
    ends.append(layers.concatenate([both, other, x]))
    model = randomized(Model([x, z], ends))
    arrays = [RNG.normal(size=(7, 5, 3)).astype(np.float32) for _ in range(2)]
    engine = rnnfast.InferenceModel(model)
    by_layers = model.run(arrays, [None, None], training=False)[0]
    for made in (engine(arrays), model.predict(arrays, verbose=0), engine.predict(arrays, batch_size=3)):
        for actual, expected in zip(made, by_layers, strict=True):
            assert_close(actual, expected, 2e-6, "output")
    names = {row["layer"] for row in engine.explain().rows}
    assert {merge.name for merge in merges} <= names


def test_engine_over_a_nested_model_and_masks():
    tokens = Input((None,), name="tokens")
    words = layers.Embedding(9, 4, mask_zero=True)(tokens)
    one = layers.GRU(4, return_sequences=True)(words)
    inner_in = Input((None, 4))
    inner = Model({"it": inner_in}, [layers.LSTM(3)(inner_in), layers.SimpleRNN(2)(inner_in)])
    chain = rnnfast.Sequential([layers.Dense(3), layers.LSTM(2)])
    a, b = inner({"it": layers.add([one, words])})
    model = randomized(Model(tokens, [a, b, chain(layers.concatenate([one, words]))]))
    x = RNG.integers(0, 9, (6, 8))
    x[:, 5:] *= RNG.integers(0, 2, (6, 3))
    for actual, expected in zip(rnnfast.InferenceModel(model)(x), model.run([x], [None], False)[0], strict=True):
        assert_close(actual, expected, 2e-6, "output")


def test_training_learns_and_names_outputs():
    model = encoder_decoder("float32")
    x = [RNG.normal(size=(32, 4, 2)), RNG.normal(size=(32, 3, 2))]
    y = {"steps": RNG.normal(size=(32, 3, 3)) * 0.1, "end": x[0].sum(axis=1)}
    model.compile(rnnfast.optimizers.Adam(0.03), "mse", loss_weights={"steps": 0.5, "end": 2.0})
    history = model.fit(dict(zip(["source", "target"], x, strict=True)), y, epochs=15, verbose=0).history
    assert set(history) == {"loss", "steps_loss", "end_loss"}
    assert history["end_loss"][-1] < 0.7 * history["end_loss"][0]
    loss = history["steps_loss"][0] * 0.5 + history["end_loss"][0] * 2
    np.testing.assert_allclose(history["loss"][0], loss, rtol=1e-6)


def test_softmax_and_cross_entropy_at_once():
    """An output that is also read gets the gradient of its activation; both ways give one result."""
    x = Input((3,))
    first = layers.Dense(3, "softmax", dtype="float64", name="first")(x)
    second = layers.Dense(2, dtype="float64", name="second")(first)
    assert Model(x, [first, second]).output_activations == [None, "linear"]
    assert Model(x, first).output_activations == ["softmax"]


def test_frozen_layers_stay():
    x = Input((3, 2))
    rnn, dense = layers.GRU(3), layers.Dense(1)
    model = randomized(Model(x, dense(rnn(x))))
    rnn.trainable = False
    model.compile("sgd", "mse")
    before = [rnn.get_weights(), dense.get_weights()]
    model.fit(RNG.normal(size=(4, 3, 2)), np.ones(4), verbose=0)
    for old, new in zip(before[0], rnn.get_weights(), strict=True):
        assert_same_bits(old, new, "frozen")
    assert not np.array_equal(before[1][0], dense.get_weights()[0])
    model.trainable = False
    assert model.trainable_weights == [] and len(model.non_trainable_weights) == 5
    assert not dense.trainable


def test_a_frozen_part_keeps_its_statistics():
    norm = layers.BatchNormalization()
    inner = rnnfast.Sequential([Input((3, 2)), norm, layers.Bidirectional(layers.GRU(2))])
    inner.trainable = False
    assert not norm.trainable and not inner.layers[1].forward_layer.trainable
    x, before = Input((3, 2)), inner.get_weights()
    model = Model(x, layers.Dense(1)(inner(x)))
    model.compile("sgd", "mse")
    model.fit(RNG.normal(size=(4, 3, 2)), np.ones(4), verbose=0)
    for old, new in zip(before, inner.get_weights(), strict=True):
        assert_same_bits(old, new, "frozen")
    inner.trainable = True
    assert norm.trainable and len(model.trainable_weights) == 10


def test_weights_files(tmp_path):
    """Weights and optimizer of a model with parts; nothing of a file that does not fit."""
    pytest.importorskip("h5py")
    path = tmp_path / "graph.weights.h5"
    first, second = encoder_decoder("float32"), encoder_decoder("float32")
    y = {"steps": RNG.normal(size=(2, 3, 3)), "end": RNG.normal(size=(2, 2))}
    for model in (first, second):
        model.compile("adam", "mse")
    first.fit(X, y, verbose=0)
    first.save_weights(path)
    second.load_weights(path)
    for model in (first, second):
        model.fit(X, y, verbose=0)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        assert_same_bits(a, b, "weights after one more update")
    x = Input((3, 2))
    with pytest.raises(ValueError, match=r"graph\.weights\.h5"):
        Model(x, layers.GRU(2)(x)).load_weights(path)


@pytest.mark.parametrize(
    "again", [lambda m: type(m).from_config(m.get_config()), lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy]
)
def test_copies(again):
    model = encoder_decoder()
    made = again(model)
    made.set_weights(model.get_weights())
    assert made.get_config() == model.get_config()
    for actual, expected in zip(made.run(X, [None] * 2, False)[0], model.run(X, [None] * 2, False)[0], strict=True):
        assert_same_bits(actual, expected, "output")
    assert not {id(v) for v in made.weights} & {id(v) for v in model.weights}


def test_a_deep_model_is_copied():
    x = y = Input((2,))
    for _ in range(300):
        y = layers.Activation("tanh")(y)
    model = pickle.loads(pickle.dumps(Model(x, y)))
    assert len(copy.deepcopy(model).layers) == 301


def test_a_part_of_a_graph():
    """Features of a layer inside, and a model that starts from one."""
    model = encoder_decoder()
    encoder = Model(model.inputs[0], model.get_layer("encoder").output[1])
    assert encoder.layers[-1] is model.get_layer("encoder") and encoder.input_names == ["source"]
    encoded = encoder.predict(X[0], verbose=0)
    rest = Model(model.get_layer("encoder").output[1:], model.output["end"])
    states = Model(model.inputs[0], model.get_layer("encoder").output[1:]).predict(X[0], verbose=0)
    assert_same_bits(states[0], encoded, "state")
    assert_close(rest.predict(states, verbose=0), model.predict(X, verbose=0)["end"], 1e-12, "rest")


def test_a_part_of_a_chain():
    chain = randomized(rnnfast.Sequential([Input((4, 2)), layers.GRU(3, return_sequences=True), layers.LSTM(2)]))
    part = Model(chain.inputs, chain.layers[0].output)
    x = X[0].astype(np.float32)
    assert_close(part.predict(x, verbose=0), chain.layers[0](x), 1e-6, "first layer")
    assert Model(chain.input, [chain.output]).layers[1:] == chain.layers and chain.outputs == [chain.layers[1].output]
    with pytest.raises(ValueError, match="before it is built"):
        _ = rnnfast.Sequential([layers.Dense(2)]).inputs


def test_a_model_at_every_step():
    start = Input((2,))
    inner = Model(start, layers.add([layers.Dense(2)(start), start]))
    x = Input((4, 2))
    model = randomized(Model(x, layers.TimeDistributed(inner)(x)))
    array = X[0].astype(np.float32)
    expected = np.stack([inner(array[:, t]) for t in range(4)], axis=1)
    assert_close(model.predict(array, verbose=0), expected, 1e-6, "every step")
    assert_close(model.run([array], [None], False)[0][0], expected, 1e-6, "layers")


def test_attention_in_a_graph():
    query, value = Input((3, 4)), Input((5, 4))
    y, weights = layers.Attention(name="looks")([query, value], return_attention_scores=True)
    model = Model([query, value], [layers.LSTM(2)(y), weights])
    arrays = [RNG.normal(size=(2, n, 4)).astype(np.float32) for n in (3, 5)]
    made = model.predict(arrays, verbose=0)
    assert_close(made[1], layers.Attention()(arrays, return_attention_scores=True)[1], 1e-6, "weights")
    assert type(model).from_config(model.get_config()).output_shape == [(None, 2), (None, 3, 5)]


def test_description(capsys):
    model = encoder_decoder()
    assert model.input_names == ["source", "target"] and model.output_names == ["end", "steps"]
    assert model.input_shape == [(None, 4, 2), (None, 3, 2)]
    assert model.output_shape == {"steps": (None, 3, 3), "end": (None, 2)}
    assert [type(t).__name__ for t in model.inputs + model.outputs] == ["SymbolicTensor"] * 4
    assert model.get_layer("inner").count_params() == 8 and model.count_params() == 8 + 9 + 84 + 84
    model.summary()
    text = capsys.readouterr().out
    for word in (
        "Connected to",
        "encoder[0][1]",
        "shared[1][0]",
        "[(None, 3), (None, 3), (None, 3)]",
        "Total params: 185",
    ):
        assert word in text
    with pytest.raises(ValueError, match="called on one symbolic tensor"):
        _ = model.get_layer("shared").output


def wrong(make):
    return pytest.param(make, id="")


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda a, b: Model(a, layers.Dense(1)(b)), ValueError, "disconnected.*'dense.*shape=.None, 5, 3. .*'b'"),
        (lambda a, b: Model(a, b), ValueError, "disconnected: outputs hold"),
        (lambda a, b: Model(a, np.ones(3)), TypeError, "outputs must be symbolic"),
        (lambda a, b: Model([], a), ValueError, "at least one"),
        (lambda a, b: layers.Dense(2, name="d")(layers.Add(name="sum")([a, b])), ValueError, "'sum'.*'a'.*'b'"),
        (lambda a, b: layers.LSTM(2, name="r")(layers.Flatten(name="f")(a)), ValueError, "'r'.*rank 3.*'f'"),
        (lambda a, b: layers.Add()([a, np.ones((2, 4, 3))]), TypeError, "outputs of layers.*ndarray"),
        (lambda a, b: Model([a, b], layers.add([layers.Dense(2, name="n")(a), layers.Dense(2, name="n")(a)])),
         ValueError, "different names"),
        (lambda a, b: layers.LSTM(2)(a, initial_state=[layers.GRU(3)(b)] * 2), ValueError, "initial_state.*shapes"),
        (lambda a, b: layers.GRU(2)(a, initial_stat=b), TypeError, "unknown call argument 'initial_stat'"),
        (lambda a, b: a / a, TypeError, "/ is not defined.*'a'.*Multiply"),
        (lambda a, b: a + "2", TypeError, r"\+ with a str"),
        (lambda a, b: np.ones(3) * a, TypeError, "'a'.*layers"),
        (lambda a, b: np.tanh(a), TypeError, "numpy.tanh.*Activation"),
        (lambda a, b: np.concatenate([a, b]), TypeError, "Concatenate"),
        (lambda a, b: a[0], TypeError, "key must take the batch axis whole"),
        (lambda a, b: list(a), TypeError, "iteration"),
        (lambda a, b: np.asarray(a), TypeError, "conversion"),
        (lambda a, b: Model(a, layers.Dense(1)(a)).predict(np.ones((2, 4, 4))), ValueError, "expected input of shape"),
        (lambda a, b: Model([a, b], layers.Concatenate(1)([a, b])).predict([np.ones((2, 4, 3))]), ValueError, "2"),
        (lambda a, b: Model([a, b], layers.Concatenate(1)([a, b])).predict([np.ones((2, 4, 3)), np.ones((3, 5, 3))]),
         ValueError, "samples|batch"),
    ],
)  # fmt: skip
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call(Input((4, 3), name="a"), Input((5, 3), name="b"))


def test_tokens_are_checked_before_any_work():
    tokens = Input((4,))
    model = Model(tokens, layers.GRU(2)(layers.Embedding(5, 2, name="words")(tokens)))
    with pytest.raises(ValueError, match=r"'words'.*token 7"):
        model(np.full((2, 4), 7))


def test_tapes_do_not_mix():
    one, two = Tape(False), Tape(False)
    x = [rnnfast.layers.tape.TapedTensor(t, np.ones((2, 3)), None, "x") for t in (one, two)]
    with pytest.raises(TypeError, match="of one model"):
        layers.Add()(x)


def test_evaluate_leaves_out_what_attention_masks():
    start = Input((4,), dtype="int32")
    words = layers.Embedding(5, 3, mask_zero=True)(start)
    model = randomized(Model(start, layers.Dense(2)(layers.Attention()([words, words]))))
    model.compile(rnnfast.optimizers.SGD(0.0), "mse")
    x, y = np.array([[1, 2, 0, 0], [3, 4, 1, 0]]), RNG.normal(size=(2, 4, 2)).astype(np.float32)
    expected = np.square(model(x) - y)[x != 0].mean()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.train_on_batch(x, y) == pytest.approx(expected, rel=1e-5)
