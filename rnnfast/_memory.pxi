# Part of _kernels.pyx: arrays over memory of the core, which keeps what is given back for a next request of about its
# size. Fresh pages from the system would cost a training step about a seventh of its time.

cdef class Block:
    cdef void* memory
    cdef int64_t bytes

    def __cinit__(self, int64_t bytes):
        self.bytes = bytes
        self.memory = core.allocate(&self.bytes)

    def __dealloc__(self):
        if self.memory != NULL:
            core.release(self.memory, self.bytes)


cdef new_array(int number, int axes, const cnp.npy_intp* sizes):
    """An uninitialized array of these sizes that starts on a cache line; PyArray_SimpleNew without the fresh pages.

    number: NumPy's of float32 or float64. The sizes must be 0 or more. MemoryError: more than there is.
    """
    cdef int64_t bytes = 4 if number == cnp.NPY_FLOAT32 else 8
    cdef int axis
    for axis in range(axes):
        if sizes[axis] and bytes >= 2**62 // sizes[axis]:
            raise MemoryError(f"an array of shape {tuple([sizes[axis] for axis in range(axes)])} is larger than any "
                              "memory")
        bytes *= sizes[axis]
    cdef Block block = Block(bytes)
    array = cnp.PyArray_SimpleNewFromData(axes, <cnp.npy_intp*> sizes, number, block.memory)
    cnp.set_array_base(array, block)
    return array


cdef new_vector(int number, cnp.npy_intp size):
    return new_array(number, 1, &size)


cdef new_matrix(int number, cnp.npy_intp rows, cnp.npy_intp cols):
    cdef cnp.npy_intp[2] sizes
    sizes[0], sizes[1] = rows, cols
    return new_array(number, 2, sizes)


cdef new_like(array):
    """Of the shape and dtype of a float array; None for None."""
    return None if array is None else new_array(
        cnp.PyArray_TYPE(array), cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array))


cdef void* row_of(matrix, int64_t row) noexcept:
    """Where a row of a contiguous matrix begins."""
    return <char*> cnp.PyArray_DATA(matrix) + row * cnp.PyArray_DIM(matrix, 1) * cnp.PyArray_ITEMSIZE(matrix)


cdef copied_rows(matrix, int64_t first, int64_t count):
    """A copy of some rows of a contiguous matrix."""
    rows = new_matrix(cnp.PyArray_TYPE(matrix), count, cnp.PyArray_DIM(matrix, 1))
    memcpy(cnp.PyArray_DATA(rows), row_of(matrix, first), cnp.PyArray_NBYTES(rows))
    return rows


def empty(shape, dtype):
    """An uninitialized float array of this shape that starts on a cache line; numpy.empty without the fresh pages.

    shape: a tuple of sizes, four at most. dtype: float32 or float64. MemoryError: more than there is.
    """
    cdef cnp.dtype kind = np.dtype(dtype)
    cdef cnp.npy_intp[4] sizes
    cdef int axes = len(shape), axis
    if axes > 4 or kind.type_num not in (cnp.NPY_FLOAT32, cnp.NPY_FLOAT64):
        raise ValueError(f"empty: expected at most 4 axes of float32 or float64, got shape {shape} of {kind}")
    for axis in range(axes):
        if shape[axis] < 0:
            raise ValueError(f"empty: expected sizes of 0 or more, got shape {shape}")
        sizes[axis] = shape[axis]
    return new_array(kind.type_num, axes, sizes)


def empty_like(x):
    """An uninitialized array of the shape and dtype of x: `empty`, or NumPy's where that has no such arrays."""
    return new_like(x) if x.dtype in (np.float32, np.float64) else np.empty_like(x)
