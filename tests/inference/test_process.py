"""Threads, forks, and memory."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numeric import assert_same_bits
from process import run_python

import rnnfast
from rnnfast import _engine
from rnnfast.layers import LSTM, Dense, Input


def test_eight_python_threads_on_one_model(rng):
    model = rnnfast.Sequential([Input((20, 16)), LSTM(32, return_sequences=True), LSTM(24), Dense(3)])
    engine = rnnfast.InferenceModel(model, threads=2)
    inputs = [rng.standard_normal((batch, 20, 16)).astype(np.float32) for batch in (1, 3, 40, 100, 2, 65, 7, 64)]
    alone = rnnfast.InferenceModel(model, threads=1)
    wanted = [alone(x) for x in inputs]
    together = threading.Barrier(8)

    def work(i):
        together.wait()
        return [engine(inputs[(i + k) % 8]) for k in range(24)]

    with ThreadPoolExecutor(8) as pool:
        for i, results in enumerate(pool.map(work, range(8))):
            for k, got in enumerate(results):
                assert_same_bits(got, wanted[(i + k) % 8], f"thread {i}, call {k}")


def test_threads_take_turns_on_one_stream(rng):
    stream = rnnfast.InferenceModel(rnnfast.Sequential([Input((None, 4)), LSTM(8)])).stream()
    x = rng.standard_normal((1, 4)).astype(np.float32)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: [stream.step(x) for _ in range(500)], range(4)))
    shared = stream.state
    stream.reset()
    for _ in range(2000):
        stream.step(x)
    assert_same_bits(shared[0][0], stream.state[0][0], "after 2000 steps")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork_after_a_call_with_threads():
    code = """
import os, numpy as np, rnnfast
from rnnfast.layers import LSTM, Input
model = rnnfast.Sequential([Input((30, 32)), LSTM(64)])
engine = rnnfast.InferenceModel(model, threads=2)
x = np.random.default_rng(0).standard_normal((128, 30, 32)).astype(np.float32)
y = engine(x)
for _ in range(3):
    child = os.fork()
    if child == 0:
        os._exit(0 if engine(x).tobytes() == y.tobytes() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert engine(x).tobytes() == y.tobytes()
print("same bits")
"""
    status, output, errors = run_python(code, RNNFAST_ISA="")
    assert (status, output) == (0, "same bits"), errors


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="resident memory is read from /proc")
@pytest.mark.parametrize("call", ["engine(x)", "masked(x)", "stream.step(x[:, 0])"])
def test_memory_stays_flat(call):
    code = f"""
import os, numpy as np, rnnfast
from rnnfast.layers import LSTM, Dense, Input, Masking
engine = rnnfast.InferenceModel(rnnfast.Sequential([Input((None, 4)), LSTM(8, return_sequences=True), Dense(2)]))
masked = rnnfast.InferenceModel(rnnfast.Sequential([Input((None, 4)), Masking(), LSTM(8)]))
stream = engine.stream(2)
x = np.zeros((2, 3, 4), np.float32)
x[0, 1] = 1
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
for _ in range(10_000):
    {call}
before = resident()
for _ in range(90_000):
    {call}
print(resident() - before)
"""
    status, output, errors = run_python(code)
    assert status == 0, errors
    assert int(output) < 1_000_000


def test_denormals_outside_a_call_are_left_alone(classifier):
    model, x = classifier
    engine = rnnfast.InferenceModel(model, threads=2)
    tiny = np.array([1e-40], np.float32)
    for call in (lambda: engine(x), lambda: engine.stream().step(x[0, 0])):
        call()
        assert (tiny * np.float32(0.5))[0] > 0


def test_number_of_threads():
    before = rnnfast.get_num_threads()
    assert before >= 1
    try:
        rnnfast.set_num_threads(3)
        assert rnnfast.get_num_threads() in (1, 3)  # 1: a build without OpenMP
        for n in (0, -2, 1.5, True, "2", 10**6, 2**70):  # OpenMP ends a process that cannot have its threads
            with pytest.raises(ValueError, match="n must be None or an integer from 1 to"):
                rnnfast.set_num_threads(n)
    finally:
        rnnfast.set_num_threads(None)
    assert rnnfast.get_num_threads() == before


def test_openmp_settings_are_followed():
    code = "import rnnfast; print(rnnfast.get_num_threads())"
    assert run_python(code, OMP_NUM_THREADS="1")[1] == "1"
    limited = """
import rnnfast, threadpoolctl
start = rnnfast.get_num_threads()
with threadpoolctl.threadpool_limits(1):
    inside = rnnfast.get_num_threads()
print(inside, rnnfast.get_num_threads() == start)
"""
    assert run_python(limited)[1] == "1 True"


def test_affinity_limits_threads():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("no affinity here")
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); import rnnfast; "
    assert run_python(code + "print(rnnfast.get_num_threads())", OMP_NUM_THREADS="4")[1] == "1"


def test_a_thread_that_predicts_while_the_interpreter_ends():
    code = """
import threading, time
import numpy as np, rnnfast
from rnnfast.layers import GRU, Input
model = rnnfast.Sequential([Input((50, 16)), GRU(64)])
engine, x, started = rnnfast.InferenceModel(model), np.ones((640, 50, 16), "float32"), threading.Event()

def predict():
    while True:
        engine(x)
        started.set()

threading.Thread(target=predict, daemon=True).start()
started.wait()
print("end")
"""
    for _ in range(3):
        assert run_python(code)[:2] == (0, "end")


def test_cpu_info():
    info = rnnfast.cpu_info()
    assert info["isa"] in info["available"]
    assert info["available"][-1] == "generic"
    assert info["cores"] >= 1 and info["threads"] == rnnfast.get_num_threads()
    assert set(info["caches"]) == {"L1d", "L2", "L3"}


def test_instruction_sets_with_fused_multiply_add_agree(classifier):
    model, x = classifier
    results = {}
    for name in rnnfast.cpu_info()["available"]:
        program = _engine.Program32(name)
        value = program.input((8, 8))
        for layer in model.layers:
            value = layer.lower(program, value)
        program.finish([value])
        results[name] = program.run([x])[0]
        np.testing.assert_allclose(results[name], model(x), rtol=1e-5, atol=1e-6)
    fused = [results[name] for name in ("avx2", "avx512") if name in results]
    for other in fused[1:]:
        assert_same_bits(other, fused[0], "avx2 and avx512")
