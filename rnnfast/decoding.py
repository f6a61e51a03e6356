"""Label sequences from the outputs of a model that was trained with the CTC loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments, _kernels


def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """The labels that logits say, as `keras.ops.ctc_decode` gives them.

    Args:
        inputs: (samples, time, classes) logits, finite.
        sequence_lengths: (samples,) time steps of each that count.
        strategy: "greedy", the likeliest class of each step; or "beam_search", the likeliest label sequences, the
            probability of each being the sum over its alignments, as far as those stay among the `beam_width` best.
        beam_width: of the search, default 100. top_paths: sequences to give, default 1; greedy gives one.
        merge_repeated: whether greedy takes a class that comes several times in a row once.
        mask_index: the class of "no label", default 0.

    Returns:
        Labels (top_paths, samples, time) int32, -1 after the end; and (samples, top_paths): for greedy minus the sum of
        the largest logits, for beam search the logarithm of the sequence's probability.

    Raises:
        TypeError, ValueError: an argument is not as above.

    Example:
        >>> import numpy as np, rnnfast
        >>> logits = np.log([[[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]])
        >>> rnnfast.utils.ctc_decode(logits, [4])[0].tolist()
        [[[1, 1, -1, -1]]]
        >>> paths, scores = rnnfast.utils.ctc_decode(logits, [4], "beam_search", top_paths=2)
        >>> paths[:, 0].tolist(), np.exp(scores).round(2).tolist()
        ([[1, 1, -1, -1], [1, -1, -1, -1]], [[0.52, 0.14]])
    """
    logits = _arguments.numeric("ctc_decode: inputs", inputs)
    logits = logits if logits.dtype in (np.float32, np.float64) else logits.astype(np.float32)
    if logits.ndim != 3 or 0 in logits.shape[1:]:
        raise ValueError(f"ctc_decode: inputs must be (samples, time, classes), got shape {logits.shape}")
    if not np.isfinite(logits).all():
        raise ValueError("ctc_decode: inputs hold values that are not finite")
    samples, time, classes = logits.shape
    lengths = _arguments.numeric("ctc_decode: sequence_lengths", sequence_lengths)
    if lengths.shape != (samples,) or (lengths != lengths.astype(np.int64)).any():
        raise ValueError(f"ctc_decode: sequence_lengths must be {samples} integers, got shape {lengths.shape}")
    lengths = lengths.astype(np.int64)
    if samples and not 0 <= lengths.min() <= lengths.max() <= time:
        raise ValueError(f"ctc_decode: sequence_lengths must lie between 0 and {time}, got {lengths.tolist()}")
    if _arguments.whole_number("ctc_decode: mask_index", mask_index, least=0) >= classes:
        raise ValueError(f"ctc_decode: mask_index must be a class, 0 to {classes - 1}, got {mask_index!r}")
    width = _arguments.whole_number("ctc_decode: beam_width", beam_width)
    paths = _arguments.whole_number("ctc_decode: top_paths", top_paths)
    if strategy == "greedy":
        return _greedy(logits, lengths, merge_repeated, mask_index)
    if strategy != "beam_search":
        raise ValueError(f"ctc_decode: strategy must be 'greedy' or 'beam_search', got {strategy!r}")
    if paths > width:
        raise ValueError(f"ctc_decode: top_paths={paths} is more than beam_width={width}")
    labels, scores = _kernels.ctc_beam_search(logits, lengths, blank=mask_index, beam_width=width, top_paths=paths)
    return labels, scores.astype(logits.dtype)


def _greedy(logits: np.ndarray, lengths: np.ndarray, merge: bool, blank: int) -> tuple[np.ndarray, np.ndarray]:
    real = np.arange(logits.shape[1]) < lengths[:, None]
    best = np.where(real, logits.argmax(axis=-1), blank)
    scores = -(logits.max(axis=-1) * real).sum(axis=1, keepdims=True)
    kept = best != blank
    if merge:
        kept[:, 1:] &= best[:, 1:] != best[:, :-1]
    labels = np.full(best.shape, -1, np.int32)
    labels[np.arange(best.shape[1]) < kept.sum(axis=1, keepdims=True)] = best[kept]  # both row by row, in order
    return labels[None], scores
