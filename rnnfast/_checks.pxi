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
    if (number != cnp.NPY_FLOAT32 and number != cnp.NPY_FLOAT64) or not array.dtype.isnative:
        raise TypeError(f"{name}: expected float32 or float64, got {array.dtype}")
    return number


cdef inline Dtype dtype_of(int number) noexcept nogil:
    return Dtype.float32 if number == cnp.NPY_FLOAT32 else Dtype.float64


cdef int check(str name, array, int number, tuple shape) except -1:
    if float_type(name, array) != number:
        raise TypeError(f"{name}: expected the dtype of the other arrays, got {array.dtype}")
    if array.shape != shape:
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


cdef rows_contiguous(array):
    """The array (any strides over the leading axes), or a copy where its last axis is not contiguous or not aligned."""
    cdef int64_t item = cnp.PyArray_ITEMSIZE(array)
    strides = array.strides
    whole = all(stride % item == 0 for stride in strides) and cnp.PyArray_ISALIGNED(array)
    return array if whole and (strides[-1] == item or array.shape[-1] <= 1) else np.array(array, order="C", copy=True)
