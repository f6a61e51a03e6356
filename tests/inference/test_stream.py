"""A stream gives what the whole sequence gives, bit for bit, and can be stopped, copied and continued."""

import numpy as np
import pytest
from inference_graphs import GRAPHS, STREAMS, build
from numeric import assert_same_bits

import rnnfast
from rnnfast.layers import (
    GRU,
    LSTM,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    MaxPooling1D,
    Permute,
    RepeatVector,
    UpSampling1D,
    ZeroPadding1D,
)


def last_step(model, y):
    return y[:, -1] if len(model.output_shape) == 3 else y


@pytest.mark.parametrize("batch", [1, 7, 70])
def test_equals_the_whole_sequence(causal, batch):
    model, make = causal
    engine = rnnfast.InferenceModel(model)
    x = make(batch)
    stream = engine.stream(batch_size=batch)
    for t in range(x.shape[1]):
        got = stream.step(x[:, t])
        assert_same_bits(got, last_step(model, engine(x[:, : t + 1])), f"step {t}")


NOT_CAUSAL = (
    Flatten, RepeatVector, Conv1D, MaxPooling1D, GlobalAveragePooling1D, ZeroPadding1D, UpSampling1D, Permute,
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in GRAPHS if name not in STREAMS])
def test_layers_that_need_the_future_are_named(rng, name):
    model = build(GRAPHS[name][1](), rng)
    layers = [getattr(layer, "backward_layer", layer) for layer in model.layers]
    culprits = [layer.name for layer in layers
                if isinstance(layer, NOT_CAUSAL) or getattr(layer, "go_backwards", False)]  # fmt: skip
    with pytest.raises(ValueError, match=f"layer '({'|'.join(culprits)})' cannot run step by step"):
        rnnfast.InferenceModel(model).stream()


@pytest.mark.parametrize("layer, problem", [
    (Flatten(name="flat"), "layer 'flat' cannot run step by step: it needs all time steps at once"),
    (GRU(2, go_backwards=True, name="back"), "layer 'back' cannot run step by step: it reads its input backwards"),
])  # fmt: skip
def test_names_given_by_the_user_are_told(layer, problem):
    with pytest.raises(ValueError, match=problem):
        rnnfast.InferenceModel(rnnfast.Sequential([Input((3, 2)), layer])).stream()


def test_many_rows_on_threads(rng):
    model = rnnfast.Sequential([Input((None, 20)), LSTM(48, return_sequences=True), GRU(20)])
    x = rng.standard_normal((300, 5, 20)).astype(np.float32)
    wanted = rnnfast.InferenceModel(model)(x)
    stream = rnnfast.InferenceModel(model, threads=2).stream(300)
    for t in range(5):
        got = stream.step(x[:, t])
    assert_same_bits(got, wanted, "output")


def test_state_is_a_copy_and_can_be_put_back(rng):
    model = rnnfast.Sequential([Input((None, 3)), LSTM(5, return_sequences=True), GRU(4)])
    stream = rnnfast.InferenceModel(model).stream(2)
    x = rng.standard_normal((4, 2, 3))
    assert [[a.shape for a in layer] for layer in stream.state] == [[(2, 5), (2, 5)], [(2, 4)]]
    first = [stream.step(x_t) for x_t in x]
    stream.step(x[0])
    saved = stream.state
    after = [stream.step(x_t) for x_t in x]
    stream.state = saved
    saved[0][0][:] = 9
    for got, wanted in zip([stream.step(x_t) for x_t in x], after, strict=True):
        assert_same_bits(got, wanted, "continued")
    stream.reset()
    for got, wanted in zip([stream.step(x_t) for x_t in x], first, strict=True):
        assert_same_bits(got, wanted, "reset")


def test_state_is_that_of_the_layer(rng):
    model = rnnfast.Sequential([Input((None, 3)), GRU(4)])
    engine = rnnfast.InferenceModel(model)
    stream = engine.stream(2)
    x = rng.standard_normal((2, 3, 3))
    for t in range(3):
        stream.step(x[:, t])
    assert_same_bits(stream.state[0][0], engine(x), "h")


def test_streams_of_one_model_are_independent(classifier):
    model, x = classifier
    engine = rnnfast.InferenceModel(model)
    one, other = engine.stream(), engine.stream()
    for t in range(8):
        got = one.step(x[:1, t])
        other.step(x[1:2, t])
    assert_same_bits(got, engine(x[:1]), "output")


def test_batch_axis_may_be_left_out(rng):
    engine = rnnfast.InferenceModel(rnnfast.Sequential([Input((None, 3)), GRU(4)]))
    x = rng.standard_normal(3)
    with_axis, without = engine.stream().step(x[None]), engine.stream().step(x)
    assert without.shape == (4,)
    assert_same_bits(without, with_axis[0], "output")


def test_tokens(rng):
    model = rnnfast.Sequential([Input((None,)), Embedding(9, 4), LSTM(5), Dense(2)])
    engine = rnnfast.InferenceModel(model)
    stream = engine.stream()
    for token in (3, 0, 8):
        got = stream.step(token)
    assert_same_bits(got, engine([[3, 0, 8]])[0], "output")
    before = stream.state
    with pytest.raises(ValueError, match=r"token 9 .* expected 0 <= token < 9"):
        stream.step([9])
    assert_same_bits(stream.state[0][0], before[0][0], "state after an error")


@pytest.mark.parametrize("shape", [(3,), (2, 4), (3, 3), (2, 1, 3), ()])
def test_wrong_shape(shape):
    stream = rnnfast.InferenceModel(rnnfast.Sequential([Input((None, 3)), GRU(4)])).stream(2)
    with pytest.raises(ValueError, match=r"x_t: expected shape \(2, 3\), got \("):
        stream.step(np.zeros(shape))


def test_wrong_input_and_state():
    engine = rnnfast.InferenceModel(rnnfast.Sequential([Input((None, 3)), LSTM(4, name="cells")]))
    with pytest.raises(ValueError, match="batch_size must be a positive integer, got 0"):
        engine.stream(0)
    stream = engine.stream(2)
    with pytest.raises(TypeError, match="x_t must be numeric"):
        stream.step([["a", "b", "c"]])
    with pytest.raises(ValueError, match="expected 2 arrays in 1 layers, got 1 in 1"):
        stream.state = [[np.zeros((2, 4))]]
    with pytest.raises(ValueError, match=r"state of layer 'cells': expected shape \(2, 4\), got \(1, 4\)"):
        stream.state = [[np.zeros((2, 4)), np.zeros((1, 4))]]


def test_a_model_without_time_has_no_stream():
    engine = rnnfast.InferenceModel(rnnfast.Sequential([Input((3,)), Dense(4)]))
    with pytest.raises(ValueError, match="no time axis"):
        engine.stream()
