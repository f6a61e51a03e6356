"""Functional models beside real Keras: the same outputs and training steps, and `.keras` files both ways."""

import numpy as np
import pytest

import rnnfast

BATCH, TIME = 6, 7


def encoder_decoder(n):
    tokens, features = n.Input((None,), name="tokens"), n.Input((TIME, 3), name="features")
    words = n.layers.Embedding(11, 4, mask_zero=True)(tokens)
    encoded, h, c = n.layers.LSTM(5, return_state=True)(words)
    decoded = n.layers.LSTM(5, return_sequences=True)(features, initial_state=[h, c])
    steps = n.layers.TimeDistributed(n.layers.Dense(2), name="steps")(decoded)
    return n.Model([tokens, features], [steps, n.layers.Dense(3, name="end")(encoded)], name="exchanged")


def shared(n):
    left, right = n.Input((TIME, 3), name="left"), n.Input((TIME, 3), name="right")
    rnn = n.layers.Bidirectional(n.layers.GRU(4), name="both")
    a, b = rnn(left), rnn(right)
    merged = [n.layers.subtract([a, b]), n.layers.multiply([a, b]), n.layers.maximum([a, b]), n.layers.Dot(1)([a, b])]
    return n.Model({"left": left, "right": right}, n.layers.Dense(2)(n.layers.concatenate(merged)), name="exchanged")


def nested(n):
    inner_in = n.Input((TIME, 4))
    gru = n.layers.GRU(4, return_sequences=True)
    inner = n.Model(inner_in, [gru(inner_in), n.layers.Dense(4)(inner_in)], name="inner")
    chain = n.Sequential([n.Input((TIME, 4)), n.layers.SimpleRNN(3, return_sequences=True), n.layers.Dense(2)])
    x = n.Input((TIME, 3), name="x")
    one, two = inner(n.layers.Dense(4)(x))
    return n.Model(x, chain(n.layers.average([one, two, n.layers.minimum([one, two])])), name="exchanged")


def masks(n):
    first, second = n.Input((TIME,), name="tokens"), n.Input((TIME, 3), name="features")
    words = n.layers.Embedding(11, 3, mask_zero=True)(first)
    real = n.layers.Masking()(second)
    outputs = [
        n.layers.LSTM(3, name=f"rnn_{i}")(merge([words, real]))
        for i, merge in enumerate(
            [n.layers.Add(), n.layers.Multiply(), n.layers.Maximum(), n.layers.Concatenate(), n.layers.Concatenate(1)]
        )
    ]
    outputs.append(n.layers.GRU(3)(n.layers.Add()([words, second])))
    return n.Model([first, second], n.layers.Concatenate()(outputs), name="exchanged")


def chained_masks(n):
    """The last layer of an encoder-decoder gets the mask of the first, though the one between did not use it."""
    tokens = n.Input((TIME,), name="tokens")
    words = n.layers.Embedding(11, 3, mask_zero=True)(tokens)
    _, state = n.layers.GRU(3, return_state=True)(words)
    steps = n.layers.GRU(3, return_sequences=True)(words, initial_state=state)
    both = n.layers.Bidirectional(n.layers.LSTM(2, return_sequences=True, return_state=True))(steps)
    return n.Model(tokens, [n.layers.LSTM(2)(both[0]), both[1]], name="exchanged")


def masked_beside(n):
    """What makes the mask of one branch puts its first layer further from the output than that of the other."""
    x = n.Input((TIME, 3), name="x")
    one = n.layers.LSTM(4)(n.layers.Masking()(n.layers.Dense(3, "relu")(x)))
    other = n.layers.GRU(4)(n.layers.Activation("tanh")(n.layers.Dense(3)(x)))
    return n.Model(x, n.layers.Dense(2)(n.layers.add([other, one])), name="exchanged")


def attending(n):
    """Masked values are attended to, by layers and by hand."""
    tokens, features = n.Input((TIME,), name="tokens"), n.Input((TIME, 3), name="features")
    words = n.layers.Embedding(11, 4, mask_zero=True)(tokens)
    values = n.layers.Bidirectional(n.layers.LSTM(4, return_sequences=True), merge_mode="sum")(words)
    asked = n.layers.GRU(4, return_sequences=True)(features)
    seen = [n.layers.Attention(use_scale=True)([asked, values]), n.layers.AdditiveAttention()([asked, values])]
    plain = n.layers.UnitNormalization(axis=1)(asked)
    weights = n.layers.Softmax(axis=1)(n.layers.PReLU(shared_axes=[1])(n.layers.Dense(1)(plain)))
    seen.append(n.layers.Multiply()([plain, weights]))
    return n.Model([tokens, features], n.layers.LSTM(3)(n.layers.Concatenate()([asked, *seen])), name="exchanged")


MODELS = {f.__name__: f for f in (encoder_decoder, shared, nested, masks, chained_masks, masked_beside, attending)}


def random_graph(n, seed):
    """Sequences with masks and without, in layers that read masks, hand them on, merge them or end them."""
    rng = np.random.default_rng(seed)
    named = iter(f"layer_{i}" for i in range(99))
    flat, sequences = [], [n.Input((5, 4), name="x"), n.Input((5, 4), name="y")]
    kinds = [
        lambda a, b, name: n.layers.Dense(4, name=name)(a),
        lambda a, b, name: n.layers.Masking(name=name)(a),
        lambda a, b, name: n.layers.LSTM(4, return_sequences=True, name=name)(a),
        lambda a, b, name: n.layers.Add(name=name)([a, b]),
        lambda a, b, name: n.layers.Dense(4, name=name)(n.layers.Concatenate(name=next(named))([a, b])),
        lambda a, b, name: n.layers.Bidirectional(n.layers.GRU(2, return_sequences=True), name=name)(a),
        lambda a, b, name: n.layers.TimeDistributed(n.layers.Dense(4), name=name)(a),
        lambda a, b, name: n.layers.Dropout(0.1, name=name)(a),
        lambda a, b, name: flat.append(n.layers.GRU(4, name=name)(a)),
        lambda a, b, name: flat.append(n.layers.GlobalAveragePooling1D(name=name)(a)),
    ]
    for _ in range(rng.integers(6, 12)):
        a, b = (sequences[i] for i in rng.integers(0, len(sequences), 2))
        made = kinds[rng.integers(len(kinds))](a, b, next(named))
        sequences += [made] if made is not None else []
    return n.Model(sequences[:2], [n.layers.LSTM(4, name="last")(sequences[-1]), *flat])


def test_order_of_layers(keras):
    """By which Keras finds their weights in a file. It counts the operations that make masks."""
    for seed in range(30):
        peer, fast = random_graph(keras, seed), random_graph(rnnfast, seed)
        names = [layer.name for layer in peer.layers if isinstance(layer, keras.layers.Layer)]
        assert [layer.name for layer in fast.layers] == names, seed


def test_all_run_in_the_engine(twins):
    assert [twins(make)[1].explain().off_engine for make in MODELS.values()] == [None] * len(MODELS)


def data(model):
    rng = np.random.default_rng(4)
    made = {}
    for name in model.input_names:
        made[name] = rng.integers(0, 11, (BATCH, TIME)) if name == "tokens" else rng.normal(size=(BATCH, TIME, 3))
        made[name] = made[name].astype(np.int32 if name == "tokens" else np.float32)
        if name == "tokens":
            made[name][:, 4:] *= rng.integers(0, 2, (BATCH, TIME - 4))
        made[name][0, 3:] = 0
    return made


def given(model, arrays):
    return arrays if isinstance(model.input, dict) else list(arrays.values())


def parts(y):
    return [np.asarray(part) for part in (y if isinstance(y, list) else [y])]


@pytest.mark.parametrize("name", MODELS)
def test_outputs(twins, same_output, name):
    peer, fast = twins(MODELS[name])
    x = given(fast, data(fast))
    kinds = [[type(la).__name__ for la in m.layers if type(la).__name__ != "InputLayer"] for m in (peer, fast)]
    assert kinds[0] == kinds[1]
    for actual, expected in zip(parts(fast.predict(x, verbose=0)), parts(peer.predict(x, verbose=0)), strict=True):
        same_output(actual, expected)


@pytest.mark.parametrize("name", MODELS)
def test_training_step(twins, same_step, name):
    peer, fast = twins(MODELS[name])
    x = given(fast, data(fast))
    rng = np.random.default_rng(9)
    y = [rng.normal(size=part.shape).astype(np.float32) for part in parts(fast.predict(x, verbose=0))]
    same_step(peer, fast, x, y if len(y) > 1 else y[0], "mse" if len(y) == 1 else lambda n: ["mse"] * len(y))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("error:Skipping")
def test_files_both_ways(keras, twins, same_output, tmp_path, name):
    pytest.importorskip("h5py", reason="h5py is not installed (pip install '.[keras]')")
    peer, fast = twins(MODELS[name])
    x = given(fast, data(fast))
    expected = parts(peer.predict(x, verbose=0))
    peer.save(tmp_path / "there.keras")
    fast.save(tmp_path / "here.keras")
    loaded = [rnnfast.load_model(tmp_path / f) for f in ("there.keras", "here.keras")]
    loaded.append(keras.models.load_model(tmp_path / "here.keras"))
    loaded[2].save(tmp_path / "back.keras")
    loaded.append(rnnfast.load_model(tmp_path / "back.keras"))
    for model in loaded:
        assert model.name == "exchanged"
        for w, v in zip(model.get_weights(), peer.get_weights(), strict=True):
            np.testing.assert_array_equal(np.asarray(w), np.asarray(v))
        for actual, wanted in zip(parts(model.predict(x, verbose=0)), expected, strict=True):
            same_output(actual, wanted)


@pytest.mark.parametrize("name", MODELS)
def test_json_both_ways(keras, twins, same_output, name):
    peer, fast = twins(MODELS[name])
    x = given(fast, data(fast))
    for copy in (keras.models.model_from_json(fast.to_json()), rnnfast.models.model_from_json(peer.to_json())):
        copy.set_weights(fast.get_weights())
        for actual, wanted in zip(parts(copy.predict(x, verbose=0)), parts(fast.predict(x, verbose=0)), strict=True):
            same_output(actual, wanted)


def test_training_goes_on_in_the_other(keras, twins, same_output, tmp_path):
    """Losses by output, and the optimizer's state, through files both ways."""
    pytest.importorskip("h5py", reason="h5py is not installed (pip install '.[keras]')")
    peer, fast = twins(encoder_decoder)
    x = given(fast, data(fast))
    rng = np.random.default_rng(9)
    y = [rng.normal(size=(BATCH, TIME, 2)), rng.integers(0, 3, BATCH)]
    fit = {"epochs": 2, "batch_size": 3, "shuffle": False, "verbose": 0}
    for n, model in ((keras, peer), (rnnfast, fast)):
        loss = ["mse", n.losses.SparseCategoricalCrossentropy(from_logits=True)]
        model.compile(n.optimizers.Adam(0.01), loss, loss_weights=[0.5, 2.0])
    histories = [peer.fit(x, y, **fit).history, fast.fit(x, y, **fit).history]
    peer.save(tmp_path / "there.keras")
    fast.save(tmp_path / "here.keras")
    histories.append(rnnfast.load_model(tmp_path / "there.keras").fit(x, y, **fit).history)
    histories.append(keras.models.load_model(tmp_path / "here.keras").fit(x, y, **fit).history)
    for one, two in (histories[:2], histories[2:]):
        assert set(one) == set(two) == {"loss", "steps_loss", "end_loss"}
        for key in one:
            same_output(one[key], two[key], key)
