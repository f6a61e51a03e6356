"""CTC beside the sum over all paths: loss, gradient, decoding; masks, weights, bad input."""

import itertools

import numpy as np
import pytest
from numeric import assert_close, assert_same_bits, finite_difference

import rnnfast
from rnnfast import losses, utils

TIME, CLASSES = 5, 3
RNG = np.random.default_rng(4)
LOGITS = 2 * RNG.normal(size=(6, TIME, CLASSES))
LABELS = np.array([[1, 2, 0, 0], [2, 2, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0], [2, 1, 2, 1], [2, 0, 0, 0]])


def labels_of(path, blank=0):
    return tuple(k for i, k in enumerate(path) if k != blank and (i == 0 or k != path[i - 1]))


def probabilities(logits, blank=0):
    """Probability of every label sequence: the sum over all paths."""
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    totals = {}
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        key = labels_of(path, blank)
        totals[key] = totals.get(key, 0.0) + np.prod([p[t, k] for t, k in enumerate(path)])
    return totals


def expected_loss(logits, row):
    return -np.log(probabilities(logits)[tuple(k for k in row if k)])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_loss_is_the_sum_over_all_paths(dtype):
    values = losses.ctc(LABELS, LOGITS.astype(dtype))
    expected = [expected_loss(*case) for case in zip(LOGITS, LABELS, strict=True)]
    assert_close(values, expected, 1e-6 if dtype == "float32" else 1e-13, "loss")


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_gradient(reduction):
    loss = losses.CTC(reduction=reduction)
    logits, weights = LOGITS.copy(), np.array([1.0, 0.5, 2.0, 1.0, 0.0, 3.0])
    mask = np.ones((6, TIME), bool)
    mask[0, 1] = mask[1, 0] = mask[5, 2:] = False
    for given in (None, mask):
        expected = finite_difference(lambda: loss(LABELS, logits, weights, given), logits)  # noqa: B023
        slope = loss.slope(LABELS, logits, weights, given)
        assert slope.value == pytest.approx(loss(LABELS, logits, weights, given), rel=1e-14)
        assert_close(slope.gradient, expected, 1e-7, "gradient")


def test_masked_steps_are_not_there():
    mask = np.ones((6, TIME), bool)
    mask[0, 1] = mask[1, :2] = mask[5, 2:] = False
    values = losses.CTC(reduction="none")(LABELS, LOGITS, mask=mask)
    expected = [expected_loss(x[m], row) for x, m, row in zip(LOGITS, mask, LABELS, strict=True)]
    assert_close(values, expected, 1e-13, "loss")


def test_too_few_steps_left_by_a_mask():
    mask = np.ones((6, TIME), bool)
    mask[2, 0] = False
    for call in (losses.CTC(), losses.CTC().slope):
        with pytest.raises(ValueError, match="sample 2 need 5 time steps, its mask leaves 4"):
            call(LABELS, LOGITS, mask=mask)


def test_long_sequences_keep_their_digits():
    logits = 20 * RNG.normal(size=(1, 400, 30))
    labels = RNG.integers(1, 30, (1, 120))
    value = losses.CTC()(labels, logits)
    assert np.isfinite(value) and value > 100
    gradient = losses.CTC().slope(labels, logits).gradient
    assert_close(gradient.sum(axis=-1), np.zeros((1, 400)) + 0.0, 1e-9, "each step's gradient sums to zero")


def test_bits_do_not_depend_on_threads_or_batch():
    before = rnnfast.get_num_threads()
    logits = RNG.normal(size=(16, 60, 20)).astype("float32")
    labels = RNG.integers(1, 20, (16, 15))
    runs = []
    try:
        for threads in (1, 2):
            rnnfast.set_num_threads(threads)
            runs.append((losses.ctc(labels, logits), utils.ctc_decode(logits, [60] * 16, "beam_search", 8)[1]))
    finally:
        rnnfast.set_num_threads(before)
    for one, other in zip(*runs, strict=True):
        assert_same_bits(one, other, "two threads")
    assert_same_bits(losses.ctc(labels[3:4], logits[3:4]), runs[0][0][3:4], "alone")


@pytest.mark.parametrize("blank", [0, 1, 2])
def test_a_wide_beam_finds_the_sums_over_all_paths(blank):
    lengths = [5, 4, 3, 5, 2, 1]
    paths, scores = utils.ctc_decode(LOGITS, lengths, "beam_search", 500, 3, mask_index=blank)
    assert paths.shape == (3, 6, TIME) and paths.dtype == np.int32 and scores.shape == (6, 3)
    for row, length in enumerate(lengths):
        best = sorted(probabilities(LOGITS[row, :length], blank).items(), key=lambda one: -one[1])[:3]
        for rank, (labels, probability) in enumerate(best):
            assert paths[rank, row].tolist() == [*labels, *[-1] * (TIME - len(labels))]
            assert scores[row, rank] == pytest.approx(np.log(probability), rel=1e-12)


def test_a_beam_is_never_better_than_all_paths():
    for row in LOGITS:
        everything = probabilities(row)
        paths, scores = utils.ctc_decode(row[None], [TIME], "beam_search", beam_width=2, top_paths=2)
        for path, score in zip(paths[:, 0], scores[0], strict=True):
            assert score <= np.log(everything[tuple(k for k in path.tolist() if k >= 0)]) + 1e-12


def test_greedy():
    lengths = [5, 4, 3, 5, 2, 0]
    paths, scores = utils.ctc_decode(LOGITS, lengths)
    apart, _ = utils.ctc_decode(LOGITS, lengths, merge_repeated=False)
    for row, length in enumerate(lengths):
        best = LOGITS[row, :length].argmax(axis=-1).tolist()
        assert [k for k in paths[0, row].tolist() if k >= 0] == list(labels_of(best))
        assert [k for k in apart[0, row].tolist() if k >= 0] == [k for k in best if k]
        assert scores[row, 0] == pytest.approx(-LOGITS[row, :length].max(axis=-1).sum())


def test_fewer_sequences_than_asked_for():
    paths, scores = utils.ctc_decode(LOGITS[:1, :, :1], [TIME], "beam_search", top_paths=2)
    assert (paths == -1).all() and scores[0, 0] == pytest.approx(0.0) and scores[0, 1] == -np.inf


def test_a_model_learns_to_read():
    rnnfast.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    y = rng.integers(1, 4, (64, 3))
    x = np.zeros((64, 12, 4), "float32")
    for row, labels in enumerate(y):  # each label once, somewhere in its third of the time
        for i, label in enumerate(labels):
            x[row, 4 * i + rng.integers(0, 3), label] = 1
    layers = rnnfast.layers
    model = rnnfast.Sequential(
        [layers.Input((12, 4)), layers.Masking(-1.0), layers.LSTM(16, return_sequences=True), layers.Dense(4)]
    )
    model.compile(rnnfast.optimizers.Adam(0.03), "ctc")
    model.fit(x, y, epochs=30, batch_size=16, verbose=0)
    decoded, _ = utils.ctc_decode(model.predict(x, verbose=0), [12] * 64, "beam_search", beam_width=10)
    assert (decoded[0, :, :3] == y).all(axis=1).mean() > 0.9


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: losses.ctc([1, 2], LOGITS), ValueError, r"\(6, labels\), got \(2,\)"),
        (lambda: losses.ctc(LABELS, LOGITS[0]), ValueError, r"\(samples, time, classes\)"),
        (lambda: losses.ctc(LABELS + 1, LOGITS), ValueError, "label 3 .* from 1 to 2"),
        (lambda: losses.ctc(LABELS - 0.5, LOGITS), ValueError, "label 0.5"),
        (lambda: losses.ctc(LABELS[:, ::-1], LOGITS), ValueError, "after a 0"),
        (lambda: losses.ctc([[1, 1, 1, 1]], LOGITS[:1]), ValueError, "sample 0 need 7 time steps, y_pred has 5"),
        (lambda: utils.ctc_decode(LOGITS[0], [5]), ValueError, "samples, time, classes"),
        (lambda: utils.ctc_decode(LOGITS, [5]), ValueError, "6 integers"),
        (lambda: utils.ctc_decode(LOGITS, [6] * 6), ValueError, "between 0 and 5"),
        (lambda: utils.ctc_decode(LOGITS * np.nan, [5] * 6), ValueError, "not finite"),
        (lambda: utils.ctc_decode(LOGITS, [5] * 6, "best"), ValueError, "'greedy' or 'beam_search'"),
        (lambda: utils.ctc_decode(LOGITS, [5] * 6, "beam_search", 1, 2), ValueError, "top_paths=2"),
        (lambda: utils.ctc_decode(LOGITS, [5] * 6, mask_index=3), ValueError, "mask_index"),
        (lambda: utils.ctc_decode(LOGITS, [5] * 6, beam_width=0), ValueError, "beam_width"),
    ],
)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
