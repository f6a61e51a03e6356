"""Layers shared out over threads (by units, directions, time) give the bits of one thread; explain() says what runs."""

import os

import pytest
from numeric import assert_same_bits
from process import run_python

import rnnfast
from rnnfast.layers import (
    GRU,
    LSTM,
    Activation,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Input,
    LayerNormalization,
    Masking,
    SimpleRNN,
    TimeDistributed,
)

CELLS = {
    "lstm": lambda units, **more: LSTM(units, **more),
    "lstm_peephole": lambda units, **more: LSTM(units, peephole=True, **more),
    "lstm_projected": lambda units, **more: LSTM(units, projection_size=units // 2 + 1, **more),
    "lstm_zoned_out": lambda units, **more: LSTM(units, zoneout=(0.2, 0.5), **more),
    "gru": lambda units, **more: GRU(units, **more),
    "gru_reset_before": lambda units, **more: GRU(units, reset_after=False, **more),
    "simple_rnn": lambda units, **more: SimpleRNN(units, **more),
    "relu_lstm": lambda units, **more: LSTM(units, activation="relu", recurrent_activation="hard_sigmoid", **more),
}
STEPS = 40


def compare(model, x, message):
    """Several threads against one, in calls that follow each other, so that sharing pays."""
    wanted = rnnfast.InferenceModel(model, threads=1)(x)
    for threads in (2, 3, 8):
        engine = rnnfast.InferenceModel(model, threads=threads)
        for _ in range(6):
            assert_same_bits(engine(x), wanted, f"{message}, {threads} threads")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("units", [70, 127, 256, 384])
def test_units(cell, units, rng):
    for batch in (1, 3):
        for options in ({"return_sequences": True}, {"go_backwards": True}):
            model = rnnfast.Sequential([Input((None, 24)), CELLS[cell](units, **options), Dense(3)])
            compare(model, rng.standard_normal((batch, STEPS, 24)), f"{batch} rows, {options}")


@pytest.mark.parametrize("cell", ["lstm", "gru_reset_before", "simple_rnn"])
def test_wide_inputs(cell, rng):
    """Weights of the input that no L2 holds are read for more steps at a time, but not for all of these."""
    model = rnnfast.Sequential([Input((None, 1400)), CELLS[cell](256, return_sequences=True)])
    x = rng.standard_normal((16, STEPS, 1400)).astype("float32")
    compare(model, x, "wide inputs")
    stream = rnnfast.InferenceModel(model, threads=1).stream(16)
    steps = [stream.step(x[:, t]) for t in range(STEPS)]
    wanted = rnnfast.InferenceModel(model, threads=1)(x)
    for t, step in enumerate(steps):
        assert_same_bits(step, wanted[:, t], f"step {t}")


@pytest.mark.parametrize("cell", CELLS)
def test_directions(cell, rng):
    model = rnnfast.Sequential(
        [
            Input((None, 9)),
            Bidirectional(CELLS[cell](48, return_sequences=True)),
            Bidirectional(CELLS[cell](130)),
        ]
    )
    for batch in (1, 2, 5):
        compare(model, rng.standard_normal((batch, 3 * STEPS, 9)), f"{batch} rows")


@pytest.mark.parametrize("cell", CELLS)
def test_masks(cell, rng):
    x = rng.standard_normal((4, STEPS, 9))
    x[rng.random((4, STEPS)) < 0.4] = 0.0
    x[2] = 0.0
    last = rnnfast.Sequential(
        [Input((None, 9)), Masking(), Bidirectional(CELLS[cell](90, return_sequences=True)), CELLS[cell](200)]
    )
    sequence = rnnfast.Sequential(
        [Input((None, 9)), Masking(), CELLS[cell](200, return_sequences=True, go_backwards=True)]
    )
    for model in (last, sequence):
        compare(model, x, "masked")


@pytest.mark.parametrize("last", [True, False], ids=["sequence", "final state"])
@pytest.mark.parametrize("cell", CELLS)
def test_chains(cell, last, rng):
    for widths in ([64, 64], [33, 70, 5], [17] * 7):
        layers = [CELLS[cell](units, return_sequences=True) for units in widths[:-1]]
        model = rnnfast.Sequential([Input((None, 9)), *layers, CELLS[cell](widths[-1], return_sequences=last)])
        for batch in (1, 3):
            compare(model, rng.standard_normal((batch, 2 * STEPS + 1, 9)), f"{widths}, {batch} rows")


@pytest.mark.parametrize("cell", CELLS)
def test_masked_chains(cell, rng):
    x = rng.standard_normal((3, 2 * STEPS, 9))
    x[rng.random((3, 2 * STEPS)) < 0.4] = 0.0
    x[1] = 0.0
    model = rnnfast.Sequential(
        [Input((None, 9)), Masking(), *(CELLS[cell](units, return_sequences=True) for units in (40, 33, 64)), Dense(3)]
    )
    for rows in (x, x[:1], x[1:2]):
        compare(model, rows, f"{len(rows)} rows, masked")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_chains_with_states(cell, masked, rng):
    """States that a chain's layers start from, and give: those of the first, of one in the middle, of the last."""
    x = rng.standard_normal((3, 2 * STEPS, 9))
    x[rng.random((3, 2 * STEPS)) < 0.4] = 0.0
    entry = Input((None, 9))
    value = Masking()(entry) if masked else entry
    states, outputs = [], []
    for given in (None, states, None, states):  # alone, and with layers that read no states before and after
        start = {"initial_state": list(given)} if given else {}
        value, *states[:] = CELLS[cell](40, return_sequences=True, return_state=True)(value, **start)
        value = CELLS[cell](33, return_sequences=True)(value)
        outputs += states
    last, *ends = CELLS[cell](17, return_state=True)(value)
    model = rnnfast.Model(entry, [last, *ends, *outputs])
    for rows in (x, x[:1]):
        wanted = rnnfast.InferenceModel(model, threads=1)(rows)
        for threads in (2, 8):
            engine = rnnfast.InferenceModel(model, threads=threads)
            for _ in range(4):
                for one, two in zip(engine(rows), wanted, strict=True):
                    assert_same_bits(one, two, f"{len(rows)} rows, {threads} threads")


def test_chains_with_stages_between(rng):
    model = rnnfast.Sequential(
        [
            Input((None,), dtype="int64"),
            Embedding(50, 12, mask_zero=True),
            LSTM(40, return_sequences=True),
            Dropout(0.3),
            TimeDistributed(Dense(33, activation="relu")),
            LayerNormalization(),
            GRU(64, return_sequences=True),
            Activation("softmax"),
            SimpleRNN(70, return_sequences=True),
            Dense(5),
        ]
    )
    for batch in (1, 3):
        compare(model, rng.integers(0, 50, (batch, 2 * STEPS)), f"{batch} rows")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cell", CELLS)
def test_streams(cell, dtype, rng):
    model = rnnfast.Sequential([Input((None, 520)), CELLS[cell](530, return_sequences=True), CELLS[cell](528)])
    one, two = (rnnfast.InferenceModel(model, dtype, threads).stream(2) for threads in (1, 2))
    for x in rng.standard_normal((12, 2, 520)):
        assert_same_bits(two.step(x), one.step(x), "a streamed step")
    for layer, wanted in zip(two.state, one.state, strict=True):
        for a, b in zip(layer, wanted, strict=True):
            assert_same_bits(a, b, "states")


@pytest.mark.skipif(rnnfast.cpu_info()["threads"] < 2, reason="one processor")
def test_explanation():
    model = rnnfast.Sequential(
        [
            Input((200, 64)),
            Bidirectional(GRU(64, return_sequences=True), name="both"),
            LSTM(512, return_sequences=True, name="wide"),
            LSTM(4, name="narrow"),
        ]
    )
    told = rnnfast.InferenceModel(model, threads=2).explain()
    both = [row["sharing"] for row in told.rows if row["layer"] == "both"]
    assert [text.split(":")[0] for text in both] == ["directions at once"] * 2 + ["-"] * 2  # reversed, merged
    two = {row["layer"]: row["sharing"] for row in told.rows}
    assert two["wide"].startswith("units split over 2 threads")
    assert two["narrow"].startswith("one thread")
    one = [row["sharing"] for row in rnnfast.InferenceModel(model, threads=1).explain().rows]
    assert all(told.startswith(("one thread", "-")) for told in one)


@pytest.mark.skipif(rnnfast.cpu_info()["threads"] < 2, reason="one processor")
def test_explanation_of_chains():
    stacked = [Input((200, 64)), *(LSTM(64, return_sequences=True) for _ in range(2)), TimeDistributed(Dense(64))]
    model = rnnfast.Sequential([*stacked, GRU(64, return_sequences=True), Bidirectional(GRU(64)), Dense(3)])
    told = [row["sharing"] for row in rnnfast.InferenceModel(model, threads=2).explain().rows]
    assert all(text.startswith("layers pipelined over 2 threads") for text in told[:4]), told
    assert [text.split(":")[0] for text in told[4:6]] == ["directions at once"] * 2
    backwards = rnnfast.Sequential([*stacked[:2], LSTM(64, go_backwards=True)])  # begins with the last step
    told = [row["sharing"] for row in rnnfast.InferenceModel(backwards, threads=2).explain().rows]
    assert not any(text.startswith("layers pipelined") for text in told), told


def test_one_processor_never_waits():
    """With more threads asked for than there are processors nobody would come: everything runs on one."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("no affinity here")
    code = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import numpy as np, rnnfast
from rnnfast.layers import LSTM, Input
model = rnnfast.Sequential([Input((None, 64)), LSTM(256, return_sequences=True)])
x = np.random.default_rng(0).standard_normal((1, 200, 64))
one, two = rnnfast.InferenceModel(model, threads=1), rnnfast.InferenceModel(model, threads=2)
print(all(two(x).tobytes() == one(x).tobytes() for _ in range(5)))
print([row["sharing"] for row in two.explain().rows])
"""
    status, output, errors = run_python(code)
    assert (status, output.split("\n")) == (0, ["True", "['one thread']"]), errors
