# Part of _kernels.pyx: connectionist temporal classification.

cdef check_integers(str name, array, tuple shape, int64_t least, int64_t most):
    """The array as contiguous int64. Values outside [least, most] would be read, or written, out of bounds."""
    array = np.asarray(array)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
    if array.size and not least <= array.min() <= array.max() <= most:
        raise ValueError(f"{name}: expected values from {least} to {most}")
    return np.array(array, np.int64, order="C", copy=True)


cdef int check_logits(logits, int64_t blank) except -1:
    float_type("logits", logits)
    if logits.ndim != 3 or logits.shape[2] < 1:
        raise ValueError(f"logits: expected (batch, time, classes), got shape {logits.shape}")
    if not 0 <= blank < logits.shape[2]:
        raise ValueError(f"blank: expected a class from 0 to {logits.shape[2] - 1}, got {blank}")
    return 0


def ctc_loss(logits, labels, label_lengths, *, int64_t blank, mask=None, bint with_gradient=False):
    """(losses (batch,) float64, gradient of each by the logits, or None).

    logits: (batch, time, classes). labels: (batch, max_labels), of which the first label_lengths[b] count. mask: None
    or (batch, time) bool. A loss is infinite, and its gradient zero, where the labels do not fit the time.
    """
    cdef CtcLoss call
    check_logits(logits, blank)
    logits = contiguous(logits)
    batch, time, classes = logits.shape
    if np.ndim(labels) != 2:
        raise ValueError(f"labels: expected (batch, max_labels), got shape {np.shape(labels)}")
    labels = check_integers("labels", labels, (batch, np.shape(labels)[1]), 0, classes - 1)
    label_lengths = check_integers("label_lengths", label_lengths, (batch,), 0, labels.shape[1])
    if mask is not None:
        check_array("mask", mask)
        if cnp.PyArray_TYPE(mask) != cnp.NPY_BOOL or mask.shape != (batch, time):
            raise ValueError(f"mask: expected bools of shape {(batch, time)}, got {mask.dtype} of {mask.shape}")
        mask = contiguous(mask)
    losses = np.empty(batch)
    gradient = empty(logits.shape, logits.dtype) if with_gradient else None
    call.dtype = dtype_of(cnp.PyArray_TYPE(logits))
    call.batch, call.time, call.classes = batch, time, classes
    call.max_labels, call.blank, call.threads = labels.shape[1], blank, core.get_num_threads()
    call.logits, call.mask = data(logits), <const uint8_t*> data(mask)
    call.labels, call.label_lengths = <const int64_t*> data(labels), <const int64_t*> data(label_lengths)
    call.losses, call.gradient = <double*> data(losses), data(gradient)
    with nogil:
        core.ctc_loss(&call)
    return losses, gradient


def ctc_beam_search(logits, lengths, *, int64_t blank, int64_t beam_width, int64_t top_paths):
    """(paths (top_paths, batch, time) int32, -1 after the end; logarithms of their probabilities (batch, top_paths)).

    logits: (batch, time, classes), finite. lengths: (batch,) steps that count. Fewer paths than asked for: the rest is
    empty, with the logarithm -inf.
    """
    cdef CtcBeamSearch call
    check_logits(logits, blank)
    if beam_width < 1 or top_paths < 1:
        raise ValueError(f"beam_width, top_paths: expected 1 or more, got {beam_width} and {top_paths}")
    logits = contiguous(logits)
    if not np.isfinite(logits).all():  # there is no order among NaN
        raise ValueError("logits: expected finite numbers")
    batch, time, classes = logits.shape
    lengths = check_integers("lengths", lengths, (batch,), 0, time)
    paths, scores = np.empty((top_paths, batch, time), np.int32), np.empty((batch, top_paths))
    call.dtype = dtype_of(cnp.PyArray_TYPE(logits))
    call.batch, call.time, call.classes = batch, time, classes
    call.blank, call.beam_width, call.top_paths, call.threads = blank, beam_width, top_paths, core.get_num_threads()
    call.logits, call.lengths = data(logits), <const int64_t*> data(lengths)
    call.paths, call.scores = <int32_t*> data(paths), <double*> data(scores)
    with nogil:
        core.ctc_beam_search(&call)
    return paths, scores
