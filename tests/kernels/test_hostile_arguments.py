"""Arguments made to mislead, and too little memory: an error, and the process lives."""

import os
import threading

import numpy as np
import pytest
from process import run_python

import rnnfast
from rnnfast import _kernels, activations

F = np.float32


class Liar(np.ndarray):
    """An array that says it is larger than it is."""

    shape = property(lambda self: (1000, 1000))


@pytest.mark.parametrize(
    "call",
    [
        lambda a: _kernels.column_sums(a),
        lambda a: _kernels.matmul(a, np.ones((1000, 2), F)),
        lambda a: _kernels.matmul(np.ones((2, 2), F), np.ones((2, 2), F), bias=a),
        lambda a: _kernels.activation_forward(activations.relu, a),
        lambda a: _kernels.embedding_forward(a, np.array([999])),
        lambda a: _kernels.embedding_forward(np.ones((4, 2), F), a.astype(int)),
    ],
)
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize(
    "kind", [lambda a: a.view(Liar), np.ma.masked_array, np.asmatrix], ids=["liar", "ma", "matrix"]
)
def test_subclasses_of_arrays(call, kind):
    with pytest.raises(TypeError, match="expected a NumPy array, got"):
        call(kind(np.ones((2, 2), F)))


@pytest.mark.parametrize("function", [None, "tanh", 5, object(), activations.tanh._replace(id=2**40)])
def test_not_an_activation(function):
    with pytest.raises((TypeError, ValueError), match="activation"):
        _kernels.activation_forward(function, np.ones((2, 2), F))


def test_other_numbers():
    param, grad, *slots = [np.ones(3, F) for _ in range(4)]
    with pytest.raises(ValueError, match="step: expected 1 or more, got 0"):
        _kernels.optimizer_update("adam", [param], [grad], [slots], learning_rate=0.1, step=0)
    lists = {"grads": [grad], "slots": [slots], "rows": [None], "before": [None], "weight_decays": [0.1]}
    for name in lists:
        with pytest.raises(ValueError, match=f"{name}: expected 1, one for each parameter, got 0"):
            _kernels.optimizer_update("adam", [param], **lists | {name: []}, learning_rate=0.1)
    with pytest.raises(ValueError, match="vocabulary: expected 0 or more, got -3"):
        _kernels.embedding_backward(np.zeros(0, int), np.ones((0, 4), F), -3)
    with pytest.raises(ValueError, match="expected 0 or more"):
        _kernels.Plan(-1, 5, None, None, False)


def forward(cell, x, kernel, recurrent_kernel, **options):
    return _kernels.rnn_forward(cell, x, kernel, recurrent_kernel, None, None, activation=activations.tanh,
                                recurrent_activation=activations.sigmoid, **options)  # fmt: skip


def test_one_cache_serves_one_of_many_threads():
    x, dy = np.ones((32, 20, 8), F), np.ones((32, 16), F)
    for _ in range(20):
        cache = forward("gru", x, np.zeros((8, 48), F), np.zeros((16, 48), F), training=True)[2]
        served, start = [], threading.Barrier(4)

        def run(cache=cache, served=served, start=start):
            start.wait()
            try:
                served.append(_kernels.rnn_backward(cache, dy))
            except ValueError as error:
                assert "already used" in str(error)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(served) == 1


def test_a_wrong_gradient_leaves_the_cache_usable():
    cache = forward("simple_rnn", np.ones((2, 3, 4), F), np.ones((4, 5), F), np.ones((5, 5), F), training=True)[2]
    with pytest.raises(ValueError, match="d_output"):
        _kernels.rnn_backward(cache, np.ones((2, 6), F))
    assert _kernels.rnn_backward(cache, np.ones((2, 5), F))[0].shape == (2, 3, 4)


@pytest.mark.parametrize("shape", [(2**40, 1, 1), (2**58, 1, 1), (1, 2**58, 1)])
def test_a_batch_that_no_memory_holds(shape):
    x = np.broadcast_to(np.zeros((1, 1, 1), F), shape)
    with pytest.raises(MemoryError):
        forward("gru", x, np.ones((1, 12), F), np.ones((4, 12), F))


MEMORY = """
import os, resource, signal
import numpy as np
from rnnfast import _kernels
from rnnfast.layers import LSTM
x = np.ones((100, 60, 64), "float32")
a = np.ones((2000, 1000), "float32")
layer = LSTM(256)
layer.build(x.shape)

def train():
    y, cache = layer.forward(x, training=True)
    layer.backward(y, cache)

used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
ends = set()
for work in (train, lambda: _kernels.matmul(a, a[:1000])):
    for more in range(0, 100, 5):
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            resource.setrlimit(resource.RLIMIT_AS, (used + (more << 20),) * 2)
            try:
                work()
            except MemoryError:
                os._exit(7)
            except BaseException:
                os._exit(8)
            os._exit(0)
        ends.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(sorted(ends))
"""


def test_too_little_memory_is_an_error():
    isa = rnnfast.cpu_info()["available"][0]
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("no /proc/self/statm here")
    if isa == "generic":
        pytest.skip("BLAS, which serves products here, waits for memory for ever")
    # One thread: OpenMP ends a process whose threads cannot start.
    assert run_python(MEMORY, RNNFAST_ISA=isa, OMP_NUM_THREADS="1")[:2] == (0, "[0, 7]")
