"""States that are given in a call, and states that are given out: the bits of the layers, on the engine."""

import numpy as np
import pytest
from engine_check import check_engine, randomized
from inference_graphs import gaps
from numeric import assert_close, assert_same_bits

import rnnfast
from rnnfast import layers
from rnnfast.layers import GRU, LSTM, RNN, Bidirectional, Dense, GRUCell, Input, LSTMCell, Masking, SimpleRNN

CELLS = {
    "simple_rnn": lambda **options: SimpleRNN(7, **options),
    "lstm": lambda **options: LSTM(17, **options),
    "lstm_projected": lambda **options: LSTM(9, projection_size=4, **options),
    "lstm_zoned_out": lambda **options: LSTM(5, zoneout=(0.3, 0.1), **options),
    "gru": lambda **options: GRU(16, **options),
    "gru_reset_before": lambda **options: GRU(5, reset_after=False, **options),
    "stack": lambda dtype, **options: RNN(
        [LSTMCell(5, dtype=dtype), GRUCell(4, dtype=dtype)], dtype=dtype, **options
    ),
    "bidirectional": lambda dtype, **options: Bidirectional(GRU(6, dtype=dtype, **options), dtype=dtype),
    "two_outputs": lambda dtype, **options: Bidirectional(
        LSTM(3, dtype=dtype, **options), merge_mode=None, dtype=dtype
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_encoder_and_decoder(cell, masked, dtype, rng):
    """Masked or not, with the states alone, the sequence, or the last output read on."""
    source, target = Input((None, 5), dtype=dtype), Input((None, 5), dtype=dtype)
    skip = Masking(dtype=dtype) if masked else lambda value: value
    more = {"go_backwards": True} if cell in ("gru", "lstm") else {}
    states = CELLS[cell](dtype=dtype, return_state=True)(skip(source))[2 if cell == "two_outputs" else 1 :]
    every, *_ = CELLS[cell](dtype=dtype, return_sequences=True, return_state=True)(skip(target), initial_state=states)
    last, *ends = CELLS[cell](dtype=dtype, return_state=True, **more)(skip(target), initial_state=states)
    after = GRU(3, return_sequences=True, dtype=dtype)(every)
    outputs = [after, last, *layers_of(states), *layers_of(ends)]
    model = rnnfast.Model([source, target], outputs)
    check_engine(model, [gaps(rng, 9, 6).astype(dtype), gaps(rng, 9, 4).astype(dtype)], rng, dtype)


def layers_of(states):
    """Nested states as a flat list."""
    return [leaf for state in states for leaf in (layers_of(state) if isinstance(state, list) else [state])]


def test_a_state_may_come_from_anywhere(rng):
    """From an input of the model, or a Dense layer; and one value may start several layers."""
    x, start = Input((None, 5)), Input((6,))
    bent = Dense(6, activation="tanh")(start)
    one = LSTM(6, return_sequences=True)(x, initial_state=[start, bent])
    two = GRU(6)(one, initial_state=start)
    model = rnnfast.Model([x, start], [one, two, bent])
    check_engine(model, [rng.standard_normal((7, 5, 5)).astype("f"), rng.standard_normal((7, 6)).astype("f")], rng)


def test_layers_of_one_input_where_one_starts_from_the_other(rng):
    """They may not run at once, as the directions of a Bidirectional do."""
    x = Input((None, 64))
    y, *states = LSTM(256, return_state=True)(x)
    model = randomized(rnnfast.Model(x, [y, LSTM(256)(x, initial_state=states)]), rng)
    array = rng.standard_normal((1, 40, 64)).astype("f")
    wanted = rnnfast.InferenceModel(model, threads=1)(array)
    assert_close(wanted[1], model([array])[1], 1e-5, "output")
    engine = rnnfast.InferenceModel(model, threads=2)
    for _ in range(5):
        for got, expected in zip(engine(array), wanted, strict=True):
            assert_same_bits(got, expected, "two threads")


@pytest.mark.parametrize("dtype", ["bfloat16", "int8"])
def test_narrow_weights(dtype, rng):
    source, target = Input((None, 5)), Input((None, 5))
    _, *states = LSTM(24, projection_size=20, return_state=True)(source)
    y = LSTM(24, projection_size=20, return_sequences=True)(target, initial_state=states)
    model = randomized(rnnfast.Model([source, target], y), rng)
    x = [rng.standard_normal((9, steps, 5)).astype("f") for steps in (6, 4)]
    engine = rnnfast.InferenceModel(model, dtype=dtype)
    assert_close(engine(x), model(x), {"bfloat16": 0.06, "int8": 0.15}[dtype], dtype)
    assert_same_bits(engine([a[3:4] for a in x]), engine(x)[3:4], "a row by itself")


def test_streams_give_out_states(rng):
    """What is told where to start has no stream; what gives its states out has one."""
    x = Input((None, 5))
    _, h, c = LSTM(6, return_sequences=True, return_state=True)(Masking()(x))
    model = randomized(rnnfast.Model(x, layers.concatenate([Dense(3)(h), c])), rng)
    array = gaps(rng, 9, 6).astype("f")
    engine = rnnfast.InferenceModel(model)
    stream = engine.stream(9)
    for t in range(6):
        assert_same_bits(stream.step(array[:, t]), engine(array[:, : t + 1]), f"step {t}")
    told = rnnfast.Model(x, LSTM(6, name="told")(x, initial_state=[h, c]))
    with pytest.raises(ValueError, match="layer 'told' cannot run step by step: it starts from states"):
        rnnfast.InferenceModel(told).stream()


def test_a_stack_that_goes_backwards(rng):
    """Only its mask is more than the engine does."""
    x = Input((None, 5))
    stack = RNN([LSTMCell(6), GRUCell(4)], go_backwards=True, return_sequences=True, return_state=True)
    y, *_ = stack(x)
    check_engine(rnnfast.Model(x, [y, LSTM(3)(y)]), [rng.standard_normal((7, 6, 5)).astype("f")], rng)
    masked = rnnfast.Model(x, stack(Masking()(x))[0])
    with pytest.raises(layers.NoLoweringError, match="the mask of a stack that goes backwards"):
        rnnfast.InferenceModel(masked)


def test_arrays_in_a_drawing_are_refused(rng):
    """They are of one batch size; layers take them, programs do not."""
    x = Input((None, 5))
    model = randomized(rnnfast.Model(x, GRU(4, name="told")(x, initial_state=np.ones((3, 4), "f"))), rng)
    with pytest.raises(layers.NoLoweringError, match=r"'told' .*'initial_state' holds arrays"):
        rnnfast.InferenceModel(model)
    array = rng.standard_normal((3, 6, 5)).astype("f")
    assert_same_bits(model.predict(array, verbose=0), model(array), "by the layers")
