"""Windows as Keras 2 made them; tests/parity/test_keras_programs.py compares them with Keras'."""

import numpy as np
import pytest

import rnnfast
from rnnfast.preprocessing.sequence import TimeseriesGenerator

SERIES = np.arange(20.0)


def test_the_target_of_a_window_is_that_of_the_step_after_it():
    batches = list(TimeseriesGenerator(SERIES, SERIES, length=4, sampling_rate=2, stride=3, batch_size=2))
    assert [x.tolist() for x, _ in batches] == [[[0, 2], [3, 5]], [[6, 8], [9, 11]], [[12, 14], [15, 17]]]
    assert [y.tolist() for _, y in batches] == [[4, 7], [10, 13], [16, 19]]
    x, y = TimeseriesGenerator(SERIES, SERIES, length=3, start_index=5, end_index=9, reverse=True)[0]
    assert x.tolist() == [[7, 6, 5], [8, 7, 6]] and y.tolist() == [8, 9]


def test_windows_that_are_drawn():
    drawn = []
    for _ in range(2):
        rnnfast.utils.set_random_seed(4)
        drawn.append(TimeseriesGenerator(SERIES, SERIES, length=3, shuffle=True, batch_size=50)[0])
    (x, y), (again, _) = drawn
    assert len(x) == 50 and (x == y[:, None] - [3, 2, 1]).all() and np.array_equal(x, again)
    assert set(y) <= set(range(3, 20)) and len(set(y)) > 5


def test_misuse():
    with pytest.raises(ValueError, match="data has 20 steps, targets has 19"):
        TimeseriesGenerator(SERIES, SERIES[1:], length=3)
    with pytest.raises(ValueError, match="the 20 steps hold no target between 20 and 19"):
        TimeseriesGenerator(SERIES, SERIES, length=20)
    with pytest.raises(IndexError, match="batch 1 of 1"):
        TimeseriesGenerator(SERIES, SERIES, length=3)[1]
