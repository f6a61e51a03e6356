# cython: language_level=3, freethreading_compatible=True
"""Arrays in, arrays out: the functional entries of the C++ core.

Every function checks dtypes and shapes, drops the GIL and calls the core (src_c/rnnfast.h); nothing is computed here.
Arrays are float32 or float64, one dtype per call, and results are new arrays. Weights must be C-contiguous. A wrong
dtype raises TypeError, a wrong shape ValueError, both before any work. Callers check first where they can name the
layer; the checks here keep a wrong pointer from ever reaching the core.
"""

cimport cython
cimport numpy as cnp
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcpy, memset

from rnnfast._api cimport (
    Activation, ActivationId, Api, CellKind, CtcBeamSearch, CtcLoss, Dtype, MatMul, MatmulPrecision, OptimizerUpdate,
    RnnBackward, RnnForward, RnnNoise, RnnSpec, Rule, SequencePlan, gate_count, kZoneoutPadding,
)

import numpy as np

from rnnfast import _engine

cnp.import_array()

cdef Api* core = <Api*> PyCapsule_GetPointer(_engine._C_API, "rnnfast._engine._C_API")

include "_checks.pxi"
include "_ctc.pxi"
include "_memory.pxi"
include "_plan.pxi"
include "_noise.pxi"
include "_recurrent.pxi"


# ---- products

ctypedef int (*Product)(const MatMul*) except -1 nogil
cdef Product product = NULL


cdef int core_product(const MatMul* call) except -1 nogil:
    core.matmul(call)
    return 0


cdef int choose_product() except -1:
    """The core's packed kernels, except on a CPU for which it has only generic ones: BLAS is faster there."""
    global product
    if _engine.active_isa() == "generic":
        from rnnfast import _blas
        capsule = _blas.__pyx_capi__["blas_matmul"]
        product = <Product> PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule))
    else:
        product = core_product
    return 0


cdef stored(array, int64_t* leading, int* transposed):
    """The array, or a copy, such that its rows or columns, as stored, are contiguous; sets the leading dimension, and
    turns `transposed` round where these are columns."""
    cdef int64_t item = cnp.PyArray_ITEMSIZE(array), rows = cnp.PyArray_DIM(array, 0), cols = cnp.PyArray_DIM(array, 1)
    if cnp.PyArray_STRIDE(array, 0) == item and cnp.PyArray_STRIDE(array, 1) >= item * rows and cols > 1:
        array, rows, cols, transposed[0] = array.T, cols, rows, not transposed[0]
    if cnp.PyArray_STRIDE(array, 1) != item or cnp.PyArray_STRIDE(array, 0) < item * cols:
        array = contiguous(array)
    array = rows_contiguous(array)
    leading[0] = cnp.PyArray_STRIDE(array, 0) // item if rows > 1 else max(cols, 1)
    return array


def matmul(a, b, *, bias=None, bint transpose_a=False, bint transpose_b=False):
    """(m, n) = a b + bias, with a and b transposed first where asked.

    a: (m, k), or (k, m) with transpose_a. b: (k, n), or (n, k) with transpose_b. Any strides; a transposed view is read
    in place. bias: None or (n,).
    """
    cdef MatMul call
    cdef int number = float_type("a", a)
    if float_type("b", b) != number:
        raise TypeError(f"b: expected {a.dtype} as a, got {b.dtype}")
    if cnp.PyArray_NDIM(a) != 2 or cnp.PyArray_NDIM(b) != 2:
        raise ValueError(f"a, b: expected two matrices, got shapes {a.shape} and {b.shape}")
    cdef int64_t m = cnp.PyArray_DIM(a, transpose_a), k = cnp.PyArray_DIM(a, not transpose_a)
    cdef int64_t rows = cnp.PyArray_DIM(b, transpose_b), n = cnp.PyArray_DIM(b, not transpose_b)
    if rows != k:
        raise ValueError(f"b: expected {k} rows to multiply with (m, k) = {(m, k)}, got {rows}")
    if bias is not None:
        check_contiguous("bias", bias, number, (n,))
    cdef int a_transposed = transpose_a, b_transposed = transpose_b
    a, b = stored(a, &call.lda, &a_transposed), stored(b, &call.ldb, &b_transposed)
    call.transpose_a, call.transpose_b = a_transposed, b_transposed
    c = new_matrix(number, m, n)
    call.dtype = dtype_of(number)
    call.m, call.n, call.k, call.ldc = m, n, k, max(n, 1)
    call.a, call.b, call.bias, call.c = data(a), data(b), data(bias), data(c)
    call.threads = core.get_num_threads()
    call.precision = core.get_matmul_precision()
    if product == NULL:
        choose_product()
    with nogil:
        product(&call)
    return c


def column_sums(x):
    """(cols,) sums over the rows, in ascending order, of x (rows, cols)."""
    cdef int number = float_type("x", x)
    if cnp.PyArray_NDIM(x) != 2:
        raise ValueError(f"x: expected a matrix, got shape {x.shape}")
    x = contiguous(x)
    cdef int64_t rows = cnp.PyArray_DIM(x, 0), cols = cnp.PyArray_DIM(x, 1)
    sums = new_vector(number, cols)
    cdef const void* source = data(x)
    cdef void* target = data(sums)
    with nogil:
        core.column_sums(dtype_of(number), rows, cols, source, target)
    return sums


# ---- activations

cdef (int64_t, int64_t) rows_and_features(x):
    cdef int64_t features = x.shape[-1] if x.ndim else 1
    return (x.size // features if features else 0), features


def activation_forward(activation, x):
    """activation(x), element by element, or over the last axis for softmax and log_softmax. x: any shape."""
    cdef int number = float_type("x", x)
    cdef Activation function = to_activation(activation, over_axis=True)
    x = contiguous(x)
    y = np.empty_like(x)
    cdef (int64_t, int64_t) size = rows_and_features(x)
    cdef const void* source = data(x)
    cdef void* target = data(y)
    cdef int threads = core.get_num_threads()
    with nogil:
        core.activation_forward(dtype_of(number), function, size[0], size[1], source, target, threads)
    return y


def activation_backward(activation, x, y, dy):
    """dx = dy * activation'(x); x is the pre-activation, y = activation(x); all of one shape."""
    cdef int number = float_type("x", x)
    cdef Activation function = to_activation(activation, over_axis=True)
    check("y", y, number, x.shape)
    check("dy", dy, number, x.shape)
    x, y, dy = contiguous(x), contiguous(y), contiguous(dy)
    dx = np.empty_like(x)
    cdef (int64_t, int64_t) size = rows_and_features(x)
    cdef const void* x_data = data(x)
    cdef const void* y_data = data(y)
    cdef const void* dy_data = data(dy)
    cdef void* target = data(dx)
    cdef int threads = core.get_num_threads()
    with nogil:
        core.activation_backward(dtype_of(number), function, size[0], size[1], x_data, y_data, dy_data, target, threads)
    return dx


# ---- embeddings

cdef in_range(str name, index, int64_t count):
    """An array of indices as contiguous int64, all of them in [0, count)."""
    check_array(name, index)
    if index.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected an integer array, got {index.dtype}")
    if index.size and (index.min() < 0 or index.max() >= count):
        place = np.argwhere((index < 0) | (index >= count))[0]
        raise ValueError(f"{name}: expected values from 0 to {count - 1}, got {index[tuple(place)]} at "
                         f"{tuple(int(i) for i in place)}")
    return np.asarray(index, np.int64, order="C")  # ascontiguousarray would give a lone index an axis


def embedding_forward(table, tokens):
    """Rows of table (vocabulary, dim): tokens.shape + (dim,). ValueError names the first token out of range."""
    float_type("table", table)
    if table.ndim != 2:
        raise ValueError(f"table: expected a matrix, got shape {table.shape}")
    return table.take(in_range("tokens", tokens, table.shape[0]), axis=0)


def embedding_backward(tokens, dy, int64_t vocabulary):
    """Gradient (vocabulary, dim) of the table from dy, tokens.shape + (dim,), summed in the order of the tokens."""
    cdef int number = float_type("dy", dy)
    if vocabulary < 0:
        raise ValueError(f"vocabulary: expected 0 or more, got {vocabulary}")
    tokens = in_range("tokens", tokens, vocabulary)
    if dy.ndim < 1 or dy.shape[:-1] != tokens.shape:
        raise ValueError(f"dy: expected shape {tokens.shape} + (dim,), got {dy.shape}")
    dy = contiguous(dy)
    dtable = empty((vocabulary, dy.shape[-1]), dy.dtype)
    cdef int64_t count = tokens.size, dim = dy.shape[-1]
    cdef const int64_t* index = <const int64_t*> data(tokens)
    cdef const void* source = data(dy)
    cdef void* target = data(dtable)
    cdef size_t size = dtable.nbytes
    with nogil:
        memset(target, 0, size)
        core.embedding_backward(dtype_of(number), count, dim, index, source, target)
    return dtable


def distinct_tokens(tokens):
    """(distinct, index): the different tokens, int64, in the order in which they first occur, and for every token its
    place among them, int32 and of the tokens' shape: tokens == distinct[index]. None where they are so many that to do
    something once for each of them hardly saves anything. tokens: int64, any shape.
    """
    check_array("tokens", tokens)
    if cnp.PyArray_TYPE(tokens) != cnp.NPY_INT64:
        raise TypeError(f"tokens: expected int64, got {tokens.dtype}")
    tokens = contiguous(tokens)
    cdef int64_t count = tokens.size, found
    distinct = np.empty(count // 2, np.int64)
    index = np.empty(tokens.shape, np.int32)
    cdef const int64_t* source = <const int64_t*> data(tokens)
    cdef int64_t* different = <int64_t*> data(distinct)
    cdef int32_t* places = <int32_t*> data(index)
    with nogil:
        found = core.distinct_tokens(count, source, different, places)
    return None if found < 0 else (distinct[:found], index)


def all_finite(x):
    """Whether x holds neither NaN nor infinity. x: any shape."""
    cdef int number = float_type("x", x)
    x = contiguous(x)
    cdef int64_t size = cnp.PyArray_SIZE(x)
    cdef const void* source = data(x)
    cdef bint finite
    with nogil:
        finite = core.all_finite(dtype_of(number), size, source)
    return finite


# ---- optimizers: parameters and their slots are flat, contiguous and updated in place; `before` receives what a
# parameter was

cdef int64_t check_update(param, before, grad, rows) except -1:
    cdef int number = float_type("param", param)
    if cnp.PyArray_NDIM(param) != 1:
        raise ValueError(f"param: expected a flat array, got shape {param.shape}")
    check_flat("param", param, number, cnp.PyArray_SIZE(param), True)
    check_optional("before", before, param)
    if rows is None:
        check_flat("grad", grad, number, cnp.PyArray_SIZE(param), False)
    else:
        check_contiguous("grad", grad, number, (rows.size, table_width(param, grad)))
    return cnp.PyArray_SIZE(param)


cdef int64_t table_width(param, grad) except -1:
    check_array("grad", grad)
    if grad.ndim != 2 or not grad.shape[1] or param.size % grad.shape[1]:
        raise ValueError(f"grad: expected rows of a table of {param.size} elements, got shape {grad.shape}")
    return grad.shape[1]


cdef int check_flat(str name, array, int number, int64_t size, bint written) except -1:
    if (not cnp.PyArray_CheckExact(array) or cnp.PyArray_NDIM(array) != 1 or cnp.PyArray_TYPE(array) != number
            or cnp.PyArray_ISBYTESWAPPED(array) or cnp.PyArray_DIM(array, 0) != size
            or not cnp.PyArray_CHKFLAGS(array, cnp.NPY_ARRAY_CARRAY if written else cnp.NPY_ARRAY_CARRAY_RO)):
        check_contiguous(name, array, number, (size,), written=written)  # says what it is
    return 0


cdef int check_optional(str name, slot, param, bint needed=False) except -1:
    return 0 if slot is None and not needed else check_flat(
        name, slot, cnp.PyArray_TYPE(param), cnp.PyArray_SIZE(param), True)


cdef tuple SLOTS = ("slots[0]", "slots[1]", "slots[2]")  # in messages

# The rules by name: how many slots each cannot do without, and how many it may have.
cdef dict RULES = {
    "sgd": (Rule.sgd, 0, 1),
    "rmsprop": (Rule.rmsprop, 1, 3),
    "adam": (Rule.adam, 2, 3),
    "nadam": (Rule.nadam, 2, 2),
    "adamax": (Rule.adamax, 2, 2),
    "adagrad": (Rule.adagrad, 1, 1),
    "adadelta": (Rule.adadelta, 2, 2),
    "lion": (Rule.lion, 1, 1),
}


cdef int update_one(OptimizerUpdate* update, int least, int most, param, grad, slots, rows, before) except -1:
    """One step for one variable; `update` holds what all of them share."""
    cdef int i
    if not least <= len(slots) <= most:
        raise ValueError(f"slots: expected {least} to {most}, got {len(slots)}")
    if rows is not None:
        rows = in_range("rows", rows, param.size // table_width(param, grad))
        update.grad_rows, update.grad_width = rows.size, grad.shape[1]
    update.size = check_update(param, before, grad, rows)
    update.grad_index = <const int64_t*> data(rows)
    for i, slot in enumerate(slots):
        check_optional(SLOTS[i], slot, param, i < least)
        update.slots[i] = data(slot)
    for i in range(len(slots), 3):
        update.slots[i] = NULL
    update.dtype = dtype_of(cnp.PyArray_TYPE(param))
    update.param, update.before, update.grad = data(param), data(before), data(grad)
    with nogil:
        core.optimizer_update(update)
    return 0


cdef int check_count(str name, list items, Py_ssize_t count) except -1:
    if items is not None and len(items) != count:
        raise ValueError(f"{name}: expected {count}, one for each parameter, got {len(items)}")
    return 0


def optimizer_update(str rule, list params, list grads, list slots, *, list rows=None, list before=None,
                     list weight_decays=None, double learning_rate, double momentum=0, double rho=0, double beta_1=0,
                     double beta_2=0, double epsilon=0, double slot_share=0, double grad_share=0, int64_t step=1,
                     bint nesterov=False):
    """One step of a rule as in Keras, for each of several variables; src_c/kernels/optimizers.h has the formulas, and
    says which numbers each takes.

    slots: of each variable, in the order that stands there, None where a rule can do without one. rows: None, or for
    each None or int64, each at most once: the param is a table, flat, and its grad (rows.size, width) the gradient of
    these rows, that of the others 0. before: None, or an array or None for each. weight_decays: None for none, or one
    for each. step counts from 1.
    """
    cdef OptimizerUpdate update
    cdef int least, most
    if rule not in RULES:
        raise ValueError(f"rule: expected one of {', '.join(RULES)}, got {rule!r}")
    number, least, most = RULES[rule]
    if step < 1:
        raise ValueError(f"step: expected 1 or more, got {step}")
    cdef Py_ssize_t i, count = len(params)
    check_count("grads", grads, count)
    check_count("slots", slots, count)
    check_count("rows", rows, count)
    check_count("before", before, count)
    check_count("weight_decays", weight_decays, count)
    update.rule = <Rule> (<int> number)
    update.learning_rate = learning_rate
    update.momentum, update.rho, update.beta_1, update.beta_2 = momentum, rho, beta_1, beta_2
    update.epsilon, update.slot_share, update.grad_share = epsilon, slot_share, grad_share
    update.step, update.nesterov = step, nesterov
    for i in range(count):
        update.weight_decay = 0 if weight_decays is None else weight_decays[i]
        update_one(&update, least, most, params[i], grads[i], slots[i], None if rows is None else rows[i],
                   None if before is None else before[i])
