"""The engine's own objects, called wrongly: an error, never a crash."""

import os
import re

import numpy as np
import pytest
from process import run_python

import rnnfast
from rnnfast import _engine, activations
from rnnfast.layers import GRU, LSTM, Activation, Input, RepeatVector


def program(*shape):
    made = _engine.Program32()
    return made, made.input(shape)


def test_not_finished():
    for made in (_engine.Program32(), program(None, 3)[0]):
        for inputs in ([], [np.ones((2, 4, 3))]):
            with pytest.raises(ValueError, match="not finished"):
                made.run(inputs)
        with pytest.raises(ValueError, match="one input and one output"):
            made.stream()
        with pytest.raises(ValueError, match="not finished"):
            made.describe()


@pytest.mark.parametrize(
    "build, what",
    [
        (lambda p, v: p.embedding(v, np.ones((3, 0))), "table"),
        (lambda p, v: p.embedding(v, np.ones((0, 3))), "table"),
        (lambda p, v: p.dense(v, np.ones((4, 0))), "kernel"),
        (lambda p, v: p.dense(v, np.ones((0, 4))), "kernel"),
        (lambda p, v: p.rnn(v, "gru", np.ones((0, 12)), np.ones((4, 12))), "kernel"),
        (lambda p, v: p.rnn(v, "gru", np.ones((3, 0)), np.ones((0, 0))), "recurrent_kernel"),
    ],
)
def test_weights_without_elements(build, what):
    with pytest.raises(ValueError, match=f"{what}: expected shape"):
        build(*program(None, 4))


@pytest.mark.parametrize(
    ("cell", "given", "error"),
    [
        ("gru", {}, "layer_norm: expected a weight kernel_gamma"),
        ("gru", {"kernel_gamma": np.ones(4)}, r"kernel_gamma: expected shape \(12\)"),
        ("gru", [np.ones(12)], "layer_norm: expected a dictionary"),
        ("simple_rnn", {}, "layer_norm is for the lstm and gru cells only"),
    ],
)
def test_layer_norm(cell, given, error):
    p, v = program(None, 4)
    width = 4 * (3 if cell == "gru" else 1)
    with pytest.raises((ValueError, TypeError), match=error):
        p.rnn(v, cell, np.ones((4, width)), np.ones((4, width)), layer_norm=given)
    with pytest.raises(ValueError, match="layer_norm_epsilon: expected a positive number"):
        norm = {name: np.ones(12) for name in ("kernel_gamma", "recurrent_gamma")}
        p.rnn(v, "gru", np.ones((4, 12)), np.ones((4, 12)), layer_norm=norm, layer_norm_epsilon=0.0)


WINDOWS = (3, 1, 1, "valid")
GRU_WEIGHTS = np.ones((4, 9)), np.ones((3, 9))
LSTM_WEIGHTS = np.ones((4, 12)), np.ones((3, 12))


@pytest.mark.parametrize(
    "build, what",
    [
        (lambda p, v: p.conv1d(v, np.ones((3, 0, 2)), None, WINDOWS), "kernel: expected shape"),
        (lambda p, v: p.conv1d(v, np.ones((2, 4, 2)), None, WINDOWS), r"kernel: expected shape \(3, any, any\)"),
        (lambda p, v: p.conv1d(v, np.ones((3, 5, 2)), None, WINDOWS), "expected 5 features"),
        (lambda p, v: p.conv1d(v, np.ones((3, 2, 3)), None, WINDOWS, 2), "2 groups do not divide"),
        (lambda p, v: p.conv1d(v, np.ones((3, 2, 3)), None, WINDOWS, 2**62), "groups: expected 1 to 3"),
        (lambda p, v: p.conv1d(v, np.ones((3, 4, 2)), np.ones(3), WINDOWS), "bias: expected shape"),
        (lambda p, v: p.conv1d(v, np.ones((3, 4, 2)), None, (3, 2**62, 1, "valid")), "expected sizes from 1"),
        (lambda p, v: p.conv1d(v, np.ones((3, 4, 2)), None, (3, 1, 2**30, "causal")), "is too long"),
        (lambda p, v: p.conv1d(v, np.ones((3, 4, 2)), None, (3, 1, 1, "full")), "padding must be"),
        (lambda p, v: p.pool(v, "max", (0, 1, 1, "same")), "expected sizes from 1"),
        (lambda p, v: p.pool(v, "max", (2, 1, 2, "same")), "pooling has no dilation"),
        (lambda p, v: p.pool(v, "sum", WINDOWS), "mode must be"),
        (lambda p, v: p.global_pool(p.global_pool(v, "max"), "max"), "expected an input of 3 axes"),
        (lambda p, v: p.scale(v, None, np.ones(3), None), "expected 3 features"),
        (lambda p, v: p.scale(v, np.ones(3), np.ones(4), None), "shift: expected shape"),
        (lambda p, v: p.normalize(v, "layer", 0.1, np.ones(4), np.ones(3)), "expected 3 features"),
        (lambda p, v: p.normalize(v, "batch", 0.1), "mode must be"),
        (lambda p, v: p.reshape(v, [2, 2]), "cannot reshape"),
        (lambda p, v: p.reshape(v, [-1, -1]), "cannot reshape"),
        (lambda p, v: p.reshape(p.input([None, None, 2]), [-1, 2]), "one size may be unknown"),
        (lambda p, v: p.reshape(v, [2**62, -1]), "cannot reshape"),
        (lambda p, v: p.rectify(v, 0.0, 1.0, np.ones(8)), "8 slopes do not fit"),
        (lambda p, v: p.rectify(v, 0.0, 1.0, np.ones(0)), "slopes: expected shape"),
        (lambda p, v: p.dot(v, p.input([None, 5])), "cannot multiply"),
        (lambda p, v: p.attention(v, v, p.input([None, 4]), 1.0), "do not fit, or are not known to"),
        (lambda p, v: p.attention(v, v, v, 1.0, np.ones(3)), "expected 4 weights of the scores, got 3"),
        (lambda p, v: p.rnn(v, "gru", *GRU_WEIGHTS, initial_state=[v]), "expected an initial state of shape"),
        (
            lambda p, v: p.rnn(v, "lstm", *LSTM_WEIGHTS, initial_state=[p.input([3])]),
            "expected 2 initial states, got 1",
        ),
        (lambda p, v: p.rnn(v, "lstm", *LSTM_WEIGHTS, initial_state=[7, 8]), "there is no value 7"),
        (lambda p, v: p.rnn(v, "gru", *GRU_WEIGHTS, projection=np.ones((3, 3))), "for the lstm cell only"),
        (lambda p, v: p.rnn(v, "lstm", *LSTM_WEIGHTS, projection=np.ones((3, 2))), "projection: expected shape"),
        (lambda p, v: p.rnn(v, "gru", *GRU_WEIGHTS, zoneout=[2.0]), "zoneout: expected a rate from 0 to 1"),
        (lambda p, v: p.rnn(v, "lstm", *LSTM_WEIGHTS, zoneout=[0.1]), "zoneout: expected a rate from 0 to 1"),
        (lambda p, v: p.reshape(p.global_pool(v, "max"), [3]), "cannot reshape"),
        (lambda p, v: p.reshape(p.global_pool(v, "max"), [2**62, 4, 2**2]), "cannot reshape"),
        (lambda p, v: p.permute(v, [1, 1]), "each axis once"),
        (lambda p, v: p.permute(v, [1]), "expected an input of 2 axes"),
        (lambda p, v: p.pad_steps(v, 2**62, 2**62), "too many steps"),
        (lambda p, v: p.repeat_steps(v, 0), "at least 1 repetition"),
        (lambda p, v: p.pad_steps(p.input([3, 4]), -1, -2), "an axis of 3 is too short"),
    ],
)
def test_stages_that_do_not_fit(build, what):
    with pytest.raises(ValueError, match=what):
        build(*program(None, 4))


def test_sequences_too_short_for_what_follows():
    made, v = program(None, 4)
    made.finish([made.pad_steps(made.conv1d(v, np.ones((3, 4, 2)), None, WINDOWS, name="c"), -1, 0, name="p")])
    assert made.run([np.ones((2, 4, 4))])[0].shape == (2, 1, 2)
    for time, name in ((3, "p"), (2, "c"), (1, "c")):
        with pytest.raises(ValueError, match=f"layer '{name}': an axis of {max(time, 1) - 2 * (name == 'p')} is too"):
            made.run([np.ones((2, time, 4))])
    assert len(made.describe()) == 2


def test_branches_of_one_length_merge():
    made, v = program(None, 4)
    rng = np.random.default_rng(0)
    kernels = rng.normal(size=(2, 3, 4, 2))
    branches = [made.conv1d(v, kernel, None, WINDOWS) for kernel in kernels]
    made.finish([made.merge(branches, mode="sum")])
    x = rng.normal(size=(2, 6, 4))
    windows = np.stack([x[:, t : t + 3] for t in range(4)], axis=1)
    expected = np.einsum("btki,kio->bto", windows, kernels.sum(axis=0))
    np.testing.assert_allclose(made.run([x])[0], expected, rtol=1e-5, atol=1e-5)


def test_merging_none_or_too_many():
    made, v = program(None, 4)
    for values, mode, message in (
        ([], "sum", "at least one"),
        ([v, v, v], "sub", "two inputs"),
        ([v, 9], "max", "no value 9"),
    ):
        with pytest.raises(ValueError, match=message):
            made.merge(values, mode)
    assert not made.masked(v) and made.masked(made.masking(v))
    assert not made.masked(made.merge([v, made.masking(v)], "sum"))
    assert made.masked(made.merge([made.masking(v), made.masking(v)], "sum"))


@pytest.mark.parametrize("function", [5, "tanh", object(), activations.tanh._replace(id=2**40)])
def test_not_an_activation(function):
    made, v = program(4)
    with pytest.raises((TypeError, ValueError), match="activation"):
        made.activation(v, function)


def test_too_many_threads_are_cut():
    made, v = program(None, 64)
    made.finish([made.rnn(v, "simple_rnn", np.ones((64, 32)), np.ones((32, 32)), activation=activations.tanh)])
    x = np.ones((5000, 8, 64), np.float32)
    assert (made.run([x], 10**6)[0] == made.run([x], 1)[0]).all()


def test_many_axes():
    model = rnnfast.Sequential([Input([None] + [1] * 60), Activation("tanh")])
    y = rnnfast.InferenceModel(model).stream().step(np.ones((1,) * 61))
    assert y.shape == (1,) * 61 and abs(y.item() - np.tanh(1)) < 1e-6
    made = _engine.Program32()
    made.finish([made.activation(made.input([None] + [1] * 70), activations.tanh)])
    with pytest.raises(ValueError, match=re.escape("the output of a step has 71 axes, a NumPy array has at most 64")):
        made.stream().step_function()


def test_function_of_one_array():
    made, v = program(3)
    with pytest.raises(ValueError, match="not finished"):
        made.run_function()
    made.finish([made.activation(v, activations.tanh)])
    x = np.random.default_rng(0).normal(size=(2, 3))
    for given in (x, x.astype(np.float32), x.astype(">f4"), x[::-1][::-1], x.tolist()):
        np.testing.assert_array_equal(made.run_function()(given), made.run([given])[0])
    two, v = program(3)
    two.finish([two.activation(v, activations.tanh)] * 2)
    with pytest.raises(ValueError, match="one input and one output, got 1 and 2"):
        two.run_function()


@pytest.mark.parametrize("state", [None, 5, "ab", [5], [None], ["ab"], {}, [{}], iter([]), np.array(3), np.float64(3)])
def test_states_that_are_no_lists(state):
    stream = rnnfast.InferenceModel(rnnfast.Sequential([Input((None, 3)), LSTM(4)])).stream()
    with pytest.raises(TypeError, match="state: expected a list"):
        stream.state = state


def test_states_as_one_array():
    stream = rnnfast.InferenceModel(rnnfast.Sequential([Input((None, 3)), LSTM(4)])).stream()
    given = np.arange(8, dtype=float).reshape(1, 2, 1, 4)
    stream.state = given
    np.testing.assert_array_equal(np.array(stream.state), given)


def test_a_value_too_large_to_count():
    model = rnnfast.Sequential([Input((4,)), RepeatVector(2**60), GRU(4)])
    with pytest.raises(ValueError, match="too large for 2 rows"):
        model.predict(np.ones((2, 4)), verbose=0)


def test_concatenation_of_unknown_sizes():
    made = _engine.Program32()
    v, w = made.input([5, None]), made.input([5, None])
    with pytest.raises(ValueError, match="one axis of unknown size may be concatenated, got two"):
        made.merge([v, w], "concat")
    for axis in (-1, 2):
        with pytest.raises(ValueError, match="inputs of more axes"):
            made.concat([v, v], axis)


def test_merge_inside_time_distributed_needs_one_time_axis():
    made = _engine.Program32()
    long, short = (made.time_distributed_begin(made.input([time, 3])) for time in (50, 1))
    with pytest.raises(ValueError, match="cannot merge"):
        made.merge([long, short], "sum")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_stream_that_a_fork_took_in_the_middle_of_a_step():
    code = """
import os, threading, numpy as np, rnnfast
from rnnfast.layers import LSTM, Input
stream = rnnfast.InferenceModel(rnnfast.Sequential([Input((None, 512)), LSTM(1024)])).stream(32)
x = np.ones((32, 512), np.float32)
stop = False
def work():
    while not stop:
        stream.step(x)
threading.Thread(target=work, daemon=True).start()
ends = set()
for _ in range(10):
    child = os.fork()
    if child == 0:
        try:
            stream.step(x)
        except ValueError as error:
            os._exit(7 if "forked" in str(error) else 8)
        os._exit(0)
    ends.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop = True
print(ends <= {0, 7} and 7 in ends)
"""
    status, output, errors = run_python(code)
    assert (status, output) == (0, "True"), errors
