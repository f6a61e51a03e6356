"""timeseries_dataset_from_array: which steps a window holds, which target belongs to it."""

import numpy as np
import pytest

import rnnfast
from rnnfast import layers
from rnnfast.utils import timeseries_dataset_from_array

SERIES = np.random.default_rng(0).normal(size=(40, 2))


def plain(data, targets, length, stride=1, rate=1, start=0, end=None):
    """The windows, one by one."""
    end = len(data) if end is None else end
    found, s = [], start
    while s + (length - 1) * rate < end and (targets is None or s < len(targets)):
        found.append((data[[s + i * rate for i in range(length)]], None if targets is None else targets[s]))
        s += stride
    return found


@pytest.mark.parametrize("with_targets", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 128])
@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 3}, {"rate": 2}, {"stride": 2, "rate": 3}, {"start": 5}, {"end": 31}, {"start": 3, "end": 37}],
)
def test_windows(options, batch_size, with_targets):
    targets = SERIES[4:, 0] if with_targets else None
    expected = plain(SERIES, targets, 5, **options)
    names = {"stride": "sequence_stride", "rate": "sampling_rate", "start": "start_index", "end": "end_index"}
    windows = timeseries_dataset_from_array(
        SERIES, targets, 5, batch_size=batch_size, **{names[k]: v for k, v in options.items()}
    )
    batches = list(windows)
    assert len(windows) == len(batches) == -(-len(expected) // batch_size)
    x = np.concatenate([batch[0] for batch in batches] if with_targets else batches)
    np.testing.assert_array_equal(x, [window for window, _ in expected])
    if with_targets:
        np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), [target for _, target in expected])


def test_single_windows_and_shuffling():
    windows = timeseries_dataset_from_array(SERIES, SERIES, 3, batch_size=None)
    assert len(windows) == 38 and windows[0][0].shape == (3, 2) and windows[0][1].shape == (2,)
    np.testing.assert_array_equal(windows[-1][0], SERIES[37:])
    with pytest.raises(IndexError):
        windows[38]
    one, two, three = (
        np.concatenate(list(timeseries_dataset_from_array(SERIES, None, 3, shuffle=True, seed=seed)))
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != three).any()
    in_order = np.concatenate(list(timeseries_dataset_from_array(SERIES, None, 3)))
    assert (one != in_order).any()
    np.testing.assert_array_equal(np.sort(one[:, 0, 0]), np.sort(in_order[:, 0, 0]))
    rnnfast.utils.set_random_seed(3)
    drawn = timeseries_dataset_from_array(SERIES, None, 3, shuffle=True)[0]
    rnnfast.utils.set_random_seed(3)
    np.testing.assert_array_equal(timeseries_dataset_from_array(SERIES, None, 3, shuffle=True)[0], drawn)


def test_a_model_is_trained_on_windows():
    model = rnnfast.Sequential([layers.GRU(3), layers.Dense(2)])
    model.compile("sgd", "mse")
    windows = timeseries_dataset_from_array(SERIES[:-6], SERIES[6:], 6, batch_size=10)
    history = model.fit(windows, epochs=3, verbose=0, validation_data=windows)
    assert history.params["steps"] == 3 and history.history["loss"][2] < history.history["loss"][0]
    assert model.predict(windows).shape == (29, 2)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((SERIES, None, 41), {}, "steps from 0 to 40 hold no window of sequence_length=41 at sampling_rate=1"),
        ((SERIES, None, 5), {"sampling_rate": 10}, "hold no window of sequence_length=5 at sampling_rate=10"),
        ((SERIES, [1.0], 5), {"start_index": 3}, "with one of the 1 targets"),
        ((SERIES, None, 0), {}, "sequence_length must be a positive integer"),
        ((SERIES, None, 3), {"sequence_stride": 0}, "sequence_stride must be a positive integer"),
        ((SERIES, None, 3), {"batch_size": 0}, "batch_size must be a positive integer"),
        ((SERIES, None, 3), {"start_index": 40}, "must name a part of the 40 steps of data, got 40 to 40"),
        ((SERIES, None, 3), {"start_index": 9, "end_index": 9}, "got 9 to 9"),
        ((SERIES, None, 3), {"end_index": 41}, "got 0 to 41"),
        ((SERIES, None, 3), {"seed": -1}, "seed must be None or a non-negative integer"),
        ((np.zeros((0, 2)), None, 3), {}, "data must have at least one step"),
    ],
)
def test_errors(arguments, options, message):
    with pytest.raises(ValueError, match=f"timeseries_dataset_from_array: .*{message}"):
        timeseries_dataset_from_array(*arguments, **options)
