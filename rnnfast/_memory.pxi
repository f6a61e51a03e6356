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


def empty(shape, dtype):
    """An uninitialized float array of this shape that starts on a cache line; numpy.empty without the fresh pages.

    shape: a tuple of sizes, four at most. dtype: float32 or float64. MemoryError: more than there is.
    """
    cdef cnp.dtype kind = np.dtype(dtype)
    cdef cnp.npy_intp sizes[4]
    cdef int axes = len(shape), axis
    if axes > 4 or kind.type_num not in (cnp.NPY_FLOAT32, cnp.NPY_FLOAT64):
        raise ValueError(f"empty: expected at most 4 axes of float32 or float64, got shape {shape} of {kind}")
    elements = 1
    for axis in range(axes):
        if shape[axis] < 0:
            raise ValueError(f"empty: expected sizes of 0 or more, got shape {shape}")
        sizes[axis] = shape[axis]
        elements *= shape[axis]
    if elements * kind.itemsize >= 2**62:
        raise MemoryError(f"an array of shape {shape} is larger than any memory")
    cdef Block block = Block(elements * kind.itemsize)
    array = cnp.PyArray_SimpleNewFromData(axes, sizes, kind.type_num, block.memory)
    cnp.set_array_base(array, block)
    return array


def empty_like(x):
    """An uninitialized array of the shape and dtype of x: `empty`, or NumPy's where that has no such arrays."""
    return empty(x.shape, x.dtype) if x.ndim <= 4 and x.dtype in (np.float32, np.float64) else np.empty_like(x)
