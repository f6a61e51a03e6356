"""Training leaves nothing behind: resident memory over thousands of steps, in a process of its own."""

import os

import pytest
from process import run_python

STEPS = """
import os, numpy as np, rnnfast
from rnnfast.layers import GRU, LSTM, Dense, Embedding, Input
model = rnnfast.Sequential([
    Input((6,), dtype="int32"), Embedding(20, 8, mask_zero=True), LSTM(16, return_sequences=True), GRU(8),
    Dense(3, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
rng = np.random.default_rng(0)
x, y = rng.integers(0, 20, (8, 6)), rng.integers(0, 3, 8)
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
for _ in range(1_000):
    model.train_on_batch(x, y)
before = resident()
for _ in range(9_000):
    model.train_on_batch(x, y)
print(resident() - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="resident memory is read from /proc")
def test_memory_stays_flat():
    status, output, errors = run_python(STEPS)
    assert status == 0, errors
    assert int(output) < 1_000_000
