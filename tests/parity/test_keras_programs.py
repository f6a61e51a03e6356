"""Programs as people write them, run here and in Keras with the same initial weights: losses and predictions."""

import numpy as np
import pytest

import rnnfast

RNG = np.random.default_rng(3)
SERIES = np.sin(np.arange(90) / 5) + RNG.normal(0, 0.1, 90)
TEXTS = ["the cat sat on the mat", "the dog ate", "a cat and a dog and a mat sat", "no"] * 3


def windows(length):
    x = np.stack([SERIES[i : i + length] for i in range(60)]).astype("float32")
    return x[..., None], SERIES[length : length + 60].astype("float32")


def last_step_of_a_sequence(keras):
    """What TensorFlow programs write for return_sequences=False, with numbers around it."""
    inputs = keras.Input((10, 1))
    x = keras.layers.LSTM(6, return_sequences=True)(inputs * 2.0 - 0.5)
    return keras.Model(inputs, keras.layers.Dense(1)(1.0 - x[:, -1, :] / 2)), *windows(10)


def operations(keras):
    inputs = keras.Input((10, 1))
    x = keras.layers.GRU(6, return_sequences=True)(inputs)
    x = keras.ops.concatenate([keras.ops.relu(x), keras.ops.maximum(x, -x)], axis=-1)
    weights = keras.ops.softmax(keras.layers.Dense(1)(x), axis=1)
    x = keras.layers.GlobalMaxPooling1D()(keras.activations.tanh(keras.ops.multiply(x, weights)))
    return keras.Model(inputs, keras.layers.Dense(1)(x)), *windows(10)


def mask_by_hand(keras):
    """The guide to masking: `compute_mask` in a `call`."""

    class Encoder(keras.layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.embedding = keras.layers.Embedding(12, 5, mask_zero=True)
            self.rnn = keras.layers.LSTM(6)

        def call(self, tokens):
            return self.rnn(self.embedding(tokens), mask=self.embedding.compute_mask(tokens))

    tokens = RNG_TOKENS
    return keras.Sequential([Encoder(), keras.layers.Dense(1)]), tokens, tokens[:, 0] / 12


def convolutions_of_parts(keras):
    """CNN-LSTM: each window in parts of two steps."""
    layers = keras.layers
    model = keras.Sequential(name="cnn_lstm")
    model.add(keras.Input((None, 2, 1)))
    model.add(layers.TimeDistributed(layers.Convolution1D(filters=4, kernel_size=1, activation="relu")))
    model.add(layers.TimeDistributed(layers.MaxPool1D(pool_size=2)))
    model.add(layers.TimeDistributed(layers.Flatten()))
    model.add(layers.LSTM(5, activation="relu"))
    model.add(layers.Dense(1))
    x, y = windows(10)
    return model, x.reshape(-1, 5, 2, 1), y


def encoder_decoder(keras):
    layers = keras.layers
    steps = [layers.RepeatVector(4), layers.LSTM(6, return_sequences=True), layers.TimeDistributed(layers.Dense(1))]
    model = keras.Sequential([keras.Input((10, 1)), layers.LSTM(6), *steps])
    x, _ = windows(14)
    return model, x[:, :10], x[:, 10:]


RNG_TOKENS = RNG.integers(0, 12, (60, 7)) * (np.arange(7) < RNG.integers(2, 8, (60, 1)))
PROGRAMS = [last_step_of_a_sequence, operations, mask_by_hand, convolutions_of_parts, encoder_decoder]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program(keras, randomize, same_output, program):
    (peer, x, y), (fast, _, _) = program(keras), program(rnnfast.keras)
    peer(x[:2]), fast(x[:2])  # builds the one that has no Input
    fast.set_weights(randomize(peer))
    for namespace, model in ((keras, peer), (rnnfast.keras, fast)):
        model.compile(namespace.optimizers.RMSprop(0.01), "mse", metrics=[namespace.metrics.mean_absolute_error])
    histories = [model.fit(x, y, epochs=3, batch_size=16, shuffle=False, verbose=0).history for model in (peer, fast)]
    assert histories[0].keys() == histories[1].keys()
    for name, values in histories[0].items():
        np.testing.assert_allclose(histories[1][name], values, rtol=1e-4, err_msg=name)
    np.testing.assert_allclose(fast.predict(x, verbose=0), peer.predict(x, verbose=0), atol=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {}, {"num_words": 4}, {"oov_token": "?"}, {"num_words": 4, "oov_token": "?"}, {"char_level": True},
        {"lower": False, "filters": "t", "split": "a"},
    ],
    ids=str,
)  # fmt: skip
def test_tokenizer(keras, options):
    from keras.src.legacy.preprocessing import text as peer

    from rnnfast.preprocessing import text as fast

    theirs, ours = peer.Tokenizer(**options), fast.Tokenizer(**options)
    theirs.fit_on_texts(TEXTS), ours.fit_on_texts(TEXTS)
    new = [*TEXTS, "The new CAT, sat!", ["a", "cat"]]
    assert ours.word_index == theirs.word_index and ours.word_docs == theirs.word_docs
    numbers = ours.texts_to_sequences(new)
    assert numbers == theirs.texts_to_sequences(new)
    assert ours.sequences_to_texts([*numbers, [1, 99]]) == theirs.sequences_to_texts([*numbers, [1, 99]])
    for mode in fast.MODES:
        np.testing.assert_allclose(ours.texts_to_matrix(new, mode), theirs.texts_to_matrix(new, mode))
    assert fast.tokenizer_from_json(theirs.to_json()).texts_to_sequences(new) == numbers
    assert peer.tokenizer_from_json(ours.to_json()).texts_to_sequences(new) == numbers
    hashes = [module.hashing_trick("so it goes", 10, "md5") for module in (peer, fast)]
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    "options",
    [
        {"length": 4}, {"length": 7, "sampling_rate": 3, "stride": 2, "batch_size": 5},
        {"length": 3, "start_index": 9, "end_index": 41, "reverse": True, "batch_size": 4},
    ],
    ids=str,
)  # fmt: skip
def test_timeseries_generator(keras, options):
    from keras.src.legacy.preprocessing.sequence import TimeseriesGenerator as Peer

    theirs = Peer(SERIES[:, None], SERIES, **options)
    ours = rnnfast.keras.preprocessing.sequence.TimeseriesGenerator(SERIES[:, None], SERIES, **options)
    assert len(ours) == len(theirs)
    for i in range(len(ours)):
        for one, other in zip(ours[i], theirs[i], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "name", ["add", "matmul", "mean", "concatenate", "one_hot", "softmax", "cast", "arange", "eye"]
)
def test_operations_on_arrays(keras, name):
    x = RNG.normal(size=(3, 3)).astype("float32")
    arguments = {
        "add": (x, x), "matmul": (x, x), "mean": (x, 0), "concatenate": ([x, x],), "one_hot": ([0, 2, 1], 3),
        "softmax": (x, 0), "cast": (x, "int32"), "arange": (1, 7, 2), "eye": (3,),
    }[name]  # fmt: skip
    theirs = keras.ops.convert_to_numpy(getattr(keras.ops, name)(*arguments))
    ours = getattr(rnnfast.ops, name)(*arguments)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert ours.dtype == theirs.dtype


@pytest.mark.parametrize(
    "name", ["binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "top_k_categorical_accuracy",
             "sparse_top_k_categorical_accuracy", "mean_squared_error"],
)  # fmt: skip
def test_metrics_as_functions(keras, name):
    y_pred = RNG.random((8, 4)).astype("float32")
    y_true = RNG.integers(0, 4, 8) if "sparse" in name else np.eye(4, dtype="float32")[RNG.integers(0, 4, 8)]
    options = {"k": 2} if "top_k" in name else {}
    theirs = keras.ops.convert_to_numpy(getattr(keras.metrics, name)(y_true, y_pred, **options))
    np.testing.assert_allclose(getattr(rnnfast.metrics, name)(y_true, y_pred, **options), theirs, rtol=1e-6)
