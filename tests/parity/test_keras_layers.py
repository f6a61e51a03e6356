"""Whole models of every layer against Keras: predictions, and the gradient of every weight."""

import inspect

import numpy as np
import pytest

import rnnfast

BATCH, TIME, FEATURES, VOCABULARY = 8, 6, 3, 11


POSITIONAL = [
    "SimpleRNN", "LSTM", "GRU", "RNN", "Dense", "Embedding", "Masking", "Dropout",
    "SimpleRNNCell", "LSTMCell", "GRUCell",
]  # fmt: skip


@pytest.mark.parametrize("name", POSITIONAL)
def test_positional_arguments(keras, name):
    """In Keras' order, as far as they go; what only rnnfast has must be named."""

    def positional(cls):
        parameters = inspect.signature(cls).parameters.values()
        return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]

    ours, theirs = positional(getattr(rnnfast.layers, name)), positional(getattr(keras.layers, name))
    assert ours[: len(theirs)] == theirs[: len(ours)]


@pytest.mark.parametrize("name", ["SimpleRNNCell", "LSTMCell", "GRUCell"])
def test_all_arguments_of_cells_by_position(keras, name):
    given = {"units": 3, "activation": "relu", "recurrent_activation": "tanh", "use_bias": False, "dropout": 0.2}
    given |= {"recurrent_dropout": 0.3, "seed": 7, "reset_after": False, "unit_forget_bias": False}
    configs = []
    for n in (rnnfast, keras):
        cls = getattr(n.layers, name)
        parameters = inspect.signature(cls).parameters.values()
        positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        configs.append(cls(*(given.get(p.name, p.default) for p in positional)).get_config())
    for key in set(given) & set(configs[1]):
        assert configs[0][key] == configs[1][key] == given[key]


def values(rng):
    return rng.normal(0, 1, (BATCH, TIME, FEATURES)).astype(np.float32)


def padded_values(rng):
    """Steps of all -1 are masked: at the end, at the start, in the middle, everywhere."""
    x = values(rng)
    x[0, 4:] = x[1, :3] = x[2, 2:4] = x[3] = x[4, ::2] = -1
    return x


def tokens(rng):
    """Token 0 is masked; all kinds of gaps."""
    x = rng.integers(0, VOCABULARY, (BATCH, TIME))
    x[0, 3:] = x[1, :3] = x[2] = 0
    return x


def nested(rng):
    return rng.normal(0, 1, (BATCH, 2, TIME, FEATURES)).astype(np.float32)


def recurrent(name, units, **options):
    return lambda layers: getattr(layers, name)(units, **options)


RECURRENT = {
    "SimpleRNN": recurrent("SimpleRNN", 4),
    "LSTM": recurrent("LSTM", 4),
    "LSTM_no_bias": recurrent("LSTM", 4, use_bias=False),
    "LSTM_hard": recurrent("LSTM", 4, activation="softsign", recurrent_activation="hard_sigmoid"),
    "GRU": recurrent("GRU", 4),
    "GRU_reset_before": recurrent("GRU", 4, reset_after=False),
    "GRU_backwards": recurrent("GRU", 4, go_backwards=True),
    "LSTM_sequences": recurrent("LSTM", 4, return_sequences=True),
    "LSTM_backwards_sequences": recurrent("LSTM", 4, return_sequences=True, go_backwards=True),
    "RNN_cells": lambda layers: layers.RNN([layers.LSTMCell(3), layers.GRUCell(4), layers.SimpleRNNCell(2)]),
    "RNN_cells_backwards": lambda layers: layers.RNN(
        [layers.GRUCell(3, reset_after=False), layers.LSTMCell(4)], return_sequences=True, go_backwards=True
    ),
    "SimpleRNN_relu_sequences": recurrent("SimpleRNN", 4, activation="relu", return_sequences=True),
}


def bidirectional(inner, **options):
    return lambda layers: layers.Bidirectional(inner(layers), **options)


def two_layers(layers):
    forward = layers.LSTM(3, return_sequences=True)
    backward = layers.GRU(5, return_sequences=True, go_backwards=True)
    return layers.Bidirectional(forward, backward_layer=backward)


BIDIRECTIONAL = {
    f"{mode}_{'sequences' if sequences else 'last'}": bidirectional(
        recurrent("LSTM", 4, return_sequences=sequences), merge_mode=mode
    )
    for mode in ("concat", "sum", "mul", "ave")
    for sequences in (True, False)
} | {"gru": bidirectional(RECURRENT["GRU"]), "own_backward_layer": two_layers}


def chain(*makers):
    return lambda layers: [make(layers) for make in makers]


OTHERS = {
    "stacked": chain(
        recurrent("LSTM", 5, return_sequences=True),
        recurrent("GRU", 4, return_sequences=True),
        recurrent("SimpleRNN", 3),
    ),
    "encoder_decoder": chain(
        recurrent("LSTM", 4), lambda n: n.RepeatVector(5), recurrent("LSTM", 4, return_sequences=True)
    ),
    "flatten": chain(recurrent("GRU", 4, return_sequences=True), lambda n: n.Flatten()),
    "dense_on_sequences": chain(lambda n: n.Dense(5, activation="relu"), recurrent("LSTM", 4)),
    "time_distributed": chain(
        recurrent("GRU", 4, return_sequences=True), lambda n: n.TimeDistributed(n.Dense(3, activation="tanh"))
    ),
    "activation": chain(recurrent("LSTM", 4), lambda n: n.Dense(5), lambda n: n.Activation("softmax")),
    "no_dropout": chain(lambda n: n.Dropout(0.0), recurrent("LSTM", 4), lambda n: n.Dropout(0.0)),
}

INPUTS = {
    "plain": (lambda n: [n.Input((TIME, FEATURES))], values),
    "masking": (lambda n: [n.Input((TIME, FEATURES)), n.Masking(mask_value=-1.0)], padded_values),
    "embedding": (lambda n: [n.Input((TIME,)), n.Embedding(VOCABULARY, FEATURES, mask_zero=True)], tokens),
    "unmasked_embedding": (lambda n: [n.Input((TIME,)), n.Embedding(VOCABULARY, FEATURES)], tokens),
    "any_length": (lambda n: [n.Input((None, FEATURES)), n.Masking(mask_value=-1.0)], padded_values),
}

CASES = (
    [(source, name, chain(layer)) for name, layer in RECURRENT.items() for source in ("plain", "masking", "embedding")]
    + [(source, name, chain(layer)) for name, layer in BIDIRECTIONAL.items() for source in ("plain", "masking")]
    + [(source, name, layers) for name, layers in OTHERS.items() for source in ("plain", "any_length", "embedding")
       if not (source != "plain" and name == "flatten")]
    + [("unmasked_embedding", "LSTM", chain(RECURRENT["LSTM"]))]
)  # fmt: skip


@pytest.mark.parametrize(("source", "name", "make"), CASES, ids=[f"{s}-{n}" for s, n, _ in CASES])
def test_model(twins, same_output, same_step, source, name, make):
    start, draw_input = INPUTS[source]
    rng = np.random.default_rng(3)
    x = draw_input(rng)
    peer, fast = twins(lambda n: n.Sequential([*start(n.layers), *make(n.layers)]))
    expected = peer.predict(x, verbose=0)
    same_output(fast.predict(x, verbose=0), expected)
    y = rng.normal(0, 0.5, expected.shape).astype(np.float32)
    same_step(peer, fast, x, y, "mean_squared_error")


def test_time_distributed_recurrent_layer(twins, same_output, same_step):
    x = nested(np.random.default_rng(3))
    peer, fast = twins(
        lambda n: n.Sequential(
            [n.layers.Input((2, TIME, FEATURES)), n.layers.TimeDistributed(n.layers.LSTM(4)), n.layers.GRU(3)]
        )
    )
    same_output(fast.predict(x, verbose=0), peer.predict(x, verbose=0))
    same_step(peer, fast, x, np.zeros((BATCH, 3), np.float32), "mse")


@pytest.mark.parametrize("cell", ["SimpleRNN", "LSTM", "GRU"])
def test_stateful_batches_continue(twins, same_output, cell):
    def build(n):
        return n.Sequential(
            [n.layers.Input(batch_shape=(BATCH, TIME, FEATURES)), getattr(n.layers, cell)(5, stateful=True)]
        )

    peer, fast = twins(build)
    rng = np.random.default_rng(3)
    first, second = values(rng), values(rng)
    for x in (first, second, first):
        same_output(fast.predict(x, batch_size=BATCH, verbose=0), peer.predict(x, batch_size=BATCH, verbose=0))
    for model in (peer, fast):
        model.layers[-1].reset_state()
    same_output(
        fast.predict(second, batch_size=BATCH, verbose=0),
        peer.predict(second, batch_size=BATCH, verbose=0),
        "output after reset_state",
    )


def call_both(keras, torch, make, x, *, mask=None, initial_state=None, draw):
    """A layer called on arrays in both libraries, with the same random weights: lists of result arrays."""
    peer, fast = make(keras.layers), make(rnnfast.layers)
    peer.build(x.shape)
    fast.build(x.shape)
    weights = [draw(*w.shape) for w in peer.get_weights()]
    peer.set_weights(weights)
    fast.set_weights(weights)
    results = []
    for layer, convert in ((peer, torch.tensor), (fast, np.asarray)):
        options = {}
        if mask is not None:
            options["mask"] = convert(mask)
        if initial_state is not None:
            options["initial_state"] = [convert(s) for s in initial_state]
        result = layer(convert(x), **options)
        result = list(result) if isinstance(result, (list, tuple)) else [result]
        results.append([r.detach().numpy() if hasattr(r, "detach") else np.asarray(r) for r in result])
    return results


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize(("cell", "states"), [("SimpleRNN", 1), ("LSTM", 2), ("GRU", 1)])
def test_states_in_and_out(keras, torch, draw, same_output, cell, states, sequences, masked):
    expected, actual = call_both(
        keras, torch, recurrent(cell, 5, return_sequences=sequences, return_state=True), draw(4, TIME, FEATURES),
        mask=draw(4, TIME) > 0 if masked else None, initial_state=[draw(4, 5) for _ in range(states)], draw=draw,
    )  # fmt: skip
    assert len(actual) == len(expected) == 1 + states
    for i, pair in enumerate(zip(actual, expected, strict=True)):
        same_output(*pair, f"result {i}")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("with_states", [False, True])
@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
def test_bidirectional_call(keras, torch, draw, same_output, mode, with_states, masked):
    inner = recurrent("LSTM", 4, return_sequences=True, return_state=with_states)
    expected, actual = call_both(
        keras, torch, bidirectional(inner, merge_mode=mode), draw(4, TIME, FEATURES),
        mask=draw(4, TIME) > 0 if masked else None,
        initial_state=[draw(4, 4) for _ in range(4)] if with_states else None, draw=draw,
    )  # fmt: skip
    assert len(actual) == len(expected)
    for i, pair in enumerate(zip(actual, expected, strict=True)):
        same_output(*pair, f"result {i}")


@pytest.mark.parametrize("inner", ["LSTM", "Bidirectional"])
def test_mask_of_what_steps_are_made_of(keras, randomize, same_output, inner):
    """Sentences of words: each sentence's layer gets the mask of its words."""
    x = nested(np.random.default_rng(3))
    mask = np.random.default_rng(4).random(x.shape[:3]) < 0.7

    def build(layers):
        recurrent = layers.LSTM(4)
        layer = layers.TimeDistributed(layers.Bidirectional(recurrent) if inner == "Bidirectional" else recurrent)
        layer.build(x.shape)
        return layer

    peer, fast = build(keras.layers), build(rnnfast.layers)
    fast.set_weights(randomize(peer))
    same_output(fast(x, mask=mask), keras.ops.convert_to_numpy(peer(x, mask=keras.ops.convert_to_tensor(mask))))


def test_nested_states_of_cells(keras, randomize, same_output):
    x = values(np.random.default_rng(5))
    start = [[x[:, 0, :2], x[:, 1, :2]], x[:, 2]]

    def build(layers):
        layer = layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)], return_state=True)
        layer.build(x.shape)
        return layer

    peer, fast = build(keras.layers), build(rnnfast.layers)
    fast.set_weights(randomize(peer))
    theirs = keras.tree.map_structure(keras.ops.convert_to_numpy, peer(x, initial_state=start))
    output, (h, c), last = fast(x, initial_state=start)
    for actual, expected in zip([output, h, c, last], keras.tree.flatten(theirs), strict=True):
        same_output(actual, expected)
