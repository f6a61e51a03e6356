# Part of _kernels.pyx: what every entry does to its arguments before a pointer leaves Python.

cdef int check_array(str name, array) except -1:
    """A NumPy array itself: what a subclass says of its shape, or hides behind a mask, cannot be relied on."""
    if not cnp.PyArray_CheckExact(array):
        raise TypeError(f"{name}: expected a NumPy array, got {type(array).__name__}")
    return 0


cdef int float_type(str name, array) except -1:
    """NumPy's type number of a float32 or float64 array."""
    check_array(name, array)
    cdef int number = cnp.PyArray_TYPE(array)
    if (number != cnp.NPY_FLOAT32 and number != cnp.NPY_FLOAT64) or cnp.PyArray_ISBYTESWAPPED(array):
        raise TypeError(f"{name}: expected float32 or float64, got {array.dtype}")
    return number


cdef inline Dtype dtype_of(int number) noexcept nogil:
    return Dtype.float32 if number == cnp.NPY_FLOAT32 else Dtype.float64


cdef bint has_shape(array, tuple shape) except -1:
    """`array.shape == shape`, without making the tuple that it compares."""
    cdef int axis, axes = len(shape)
    if cnp.PyArray_NDIM(array) != axes:
        return False
    for axis in range(axes):
        if cnp.PyArray_DIM(array, axis) != <cnp.npy_intp> shape[axis]:
            return False
    return True


cdef int check(str name, array, int number, tuple shape) except -1:
    if float_type(name, array) != number:
        raise TypeError(f"{name}: expected the dtype of the other arrays, got {array.dtype}")
    if not has_shape(array, shape):
        raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
    return 0


cdef int check_contiguous(str name, array, int number, tuple shape, bint written=False) except -1:
    check(name, array, number, shape)
    if not cnp.PyArray_CHKFLAGS(array, cnp.NPY_ARRAY_CARRAY if written else cnp.NPY_ARRAY_CARRAY_RO):
        raise ValueError(f"{name}: expected a C-contiguous{' and writeable' if written else ''} array")
    return 0


cdef inline void* data(array) noexcept:
    return NULL if array is None else cnp.PyArray_DATA(array)


cdef contiguous(array):
    """The array, or a C-contiguous and aligned copy of it."""
    return array if cnp.PyArray_CHKFLAGS(array, cnp.NPY_ARRAY_CARRAY_RO) else np.array(array, order="C", copy=True)


cdef Activation to_activation(activation, bint over_axis=False) except *:
    cdef int number
    cdef double alpha, beta
    try:
        number, alpha, beta = activation.id, activation.alpha, activation.beta
    except (AttributeError, OverflowError, TypeError):
        raise TypeError(f"activation: expected an rnnfast.activations.Activation, got {activation!r}") from None
    cdef bint elementwise = 0 <= number < <int> ActivationId.count
    if not elementwise and not (over_axis and number in (<int> ActivationId.softmax, <int> ActivationId.log_softmax)):
        raise ValueError(f"activation {activation!r} is not element-wise")
    return Activation(<ActivationId> number, alpha, beta)


cdef bint lies_as(array, int first, int second, int third) noexcept:
    """Whether an array of three axes is aligned and contiguous once they are in this order."""
    cdef cnp.npy_intp step = cnp.PyArray_ITEMSIZE(array)
    cdef int[3] inward
    cdef int axis
    inward[0], inward[1], inward[2] = third, second, first
    for axis in inward:
        if cnp.PyArray_DIM(array, axis) != 1 and cnp.PyArray_STRIDE(array, axis) != step:
            return False
        step *= cnp.PyArray_DIM(array, axis)
    return cnp.PyArray_ISALIGNED(array)


cdef rows_contiguous(array):
    """The array (any strides over the leading axes), or a copy where its last axis is not contiguous or not aligned."""
    cdef int64_t item = cnp.PyArray_ITEMSIZE(array)
    cdef int axis, last = cnp.PyArray_NDIM(array) - 1
    cdef bint whole = cnp.PyArray_ISALIGNED(array)
    for axis in range(last + 1):
        whole = whole and cnp.PyArray_STRIDE(array, axis) % item == 0
    whole = whole and (cnp.PyArray_STRIDE(array, last) == item or cnp.PyArray_DIM(array, last) <= 1)
    return array if whole else np.array(array, order="C", copy=True)
