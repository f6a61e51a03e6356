# Part of _kernels.pyx: a SequencePlan, and arrays moved in and out of its packed order.

cdef class Plan:
    """A SequencePlan and what NumPy needs to know of it."""
    cdef SequencePlan* handle
    cdef int64_t batch, time, total
    cdef bint uniform, reverse

    def __cinit__(self, int64_t batch, int64_t time, mask, lengths, bint reverse):
        cdef const uint8_t* mask_bytes = NULL
        cdef const int64_t* counts = NULL
        if batch < 0 or time < 0:
            raise ValueError(f"batch, time: expected 0 or more, got {batch} and {time}")
        if mask is not None and lengths is not None:
            raise ValueError("mask and lengths: expected at most one of them")
        if mask is not None:
            check_array("mask", mask)
            if cnp.PyArray_TYPE(mask) != cnp.NPY_BOOL:
                raise TypeError(f"mask: expected a bool array, got {mask.dtype}")
            if mask.shape != (batch, time):
                raise ValueError(f"mask: expected shape {(batch, time)}, got {mask.shape}")
            mask = contiguous(mask)
            mask_bytes = <const uint8_t*> data(mask)
        if lengths is not None:
            lengths = np.asarray(lengths)
            if lengths.dtype.kind not in "iu":
                raise TypeError(f"lengths: expected integers, got {lengths.dtype}")
            if lengths.shape != (batch,):
                raise ValueError(f"lengths: expected shape {(batch,)}, got {lengths.shape}")
            if batch and not 0 <= lengths.min() <= lengths.max() <= time:
                raise ValueError(f"lengths: expected values from 0 to {time}, got {lengths.min()} to {lengths.max()}")
            lengths = np.ascontiguousarray(lengths, np.int64)
            counts = <const int64_t*> data(lengths)
        self.batch, self.time, self.reverse = batch, time, reverse
        with nogil:
            self.handle = core.plan_create(batch, time, mask_bytes, counts, reverse)
        self.total = core.plan_total(self.handle)
        self.uniform = core.plan_uniform(self.handle)

    def __dealloc__(self):
        if self.handle != NULL:
            core.plan_free(self.handle)

    cdef sorted_rows(self, array):
        """Rows (batch, n) in the plan's order."""
        return array if self.uniform else array[self.order()]

    cdef batch_rows(self, array):
        """The inverse of sorted_rows."""
        if self.uniform:
            return array
        placed = np.empty_like(array)
        placed[self.order()] = array
        return placed

    cdef order(self):
        cdef cnp.npy_intp size = self.batch
        return cnp.PyArray_SimpleNewFromData(1, &size, cnp.NPY_INT64, <void*> core.plan_order(self.handle)).copy()

    cdef places(self):
        """(total,): of each packed row, time * batch + row in the caller's arrays."""
        steps = np.arange(self.time, dtype=np.float64)[None, :, None] * self.batch
        rows = np.arange(self.batch, dtype=np.float64)[:, None, None]
        return self.gather(steps + rows, 1)[:, 0].astype(np.int64)

    cdef final_states(self, history):
        """(batch, units), in the caller's order, from a history of states (total + batch, units)."""
        cdef int64_t first = 0 if self.reverse else self.total - self.batch
        if self.uniform:
            return copied_rows(history, first, self.batch)
        rows = np.empty(self.batch, np.int64)
        core.plan_last(self.handle, <int64_t*> data(rows))
        return self.batch_rows(history[rows])

    cdef silent_rows(self, mask, lengths, bint zero_output):
        """bool (batch,): rows whose last output is zero, not their state. None: there are none.

        They have no real step, or with zero_output their last step in processing order is masked.
        """
        if self.uniform:
            return None
        cdef int64_t end = 0 if self.reverse else self.time - 1
        if mask is not None:
            return ~(mask[:, end] if zero_output else mask.any(axis=1))
        return np.asarray(lengths) <= (end if zero_output else 0)

    cdef time_major(self, array):
        """Uniform plans: a view (time, batch, n), time as it is packed, of (batch, time, n) in processing order."""
        array = array.transpose(1, 0, 2)
        return array[::-1] if self.reverse else array

    cdef gather(self, array, int threads):
        """(total, features) in packed order from (batch, time, features)."""
        cdef Dtype dtype = dtype_of(cnp.PyArray_TYPE(array))
        cdef int64_t item = cnp.PyArray_ITEMSIZE(array), features = cnp.PyArray_DIM(array, 2)
        if self.uniform and lies_as(array, 1, 0, 2):
            return array.transpose(1, 0, 2).reshape(self.total, features)
        array = rows_contiguous(array)
        packed = new_matrix(cnp.PyArray_TYPE(array), self.total, features)
        cdef int64_t batch_stride = cnp.PyArray_STRIDE(array, 0) // item
        cdef int64_t time_stride = cnp.PyArray_STRIDE(array, 1) // item
        cdef const void* source = data(array)
        cdef void* target = data(packed)
        with nogil:
            core.plan_gather(self.handle, dtype, source, batch_stride, time_stride, features, target, threads)
        return packed

    cdef gather_index(self, index, int threads):
        """(total,) in packed order from int32 (batch, time), which is moved like numbers of its size."""
        return self.gather(index.view(np.float32)[:, :, None], threads).view(np.int32)

    cdef scatter(self, packed, int threads):
        """The transpose of gather: (batch, time, features), zero at masked steps."""
        cdef Dtype dtype = dtype_of(cnp.PyArray_TYPE(packed))
        cdef int64_t features = packed.shape[1]
        if self.uniform:
            return packed.reshape(self.time, self.batch, features).transpose(1, 0, 2)
        array = empty((self.batch, self.time, features), packed.dtype)
        cdef const void* source = data(packed)
        cdef void* target = data(array)
        with nogil:
            core.plan_scatter(self.handle, dtype, source, features, target, self.time * features, features, threads)
        return array

    cdef outputs(self, history, bint zero_output, int threads):
        """(batch, time, units) in processing order from a history of states."""
        cdef Dtype dtype = dtype_of(cnp.PyArray_TYPE(history))
        cdef int64_t units = history.shape[1]
        if self.uniform:
            states = history[:self.total].reshape(self.time, self.batch, units)
            return (states[::-1] if self.reverse else states).transpose(1, 0, 2)
        array = empty((self.batch, self.time, units), history.dtype)
        cdef const void* source = data(history)
        cdef void* target = data(array)
        with nogil:
            core.plan_outputs(self.handle, dtype, source, units, zero_output, target, self.time * units, units, threads)
        return array

    cdef outputs_backward(self, array, bint zero_output, int threads):
        """The transpose of outputs: packed (total, units)."""
        cdef Dtype dtype = dtype_of(cnp.PyArray_TYPE(array))
        cdef int64_t item = cnp.PyArray_ITEMSIZE(array), units = array.shape[2]
        if self.uniform and cnp.PyArray_CHKFLAGS(self.time_major(array), cnp.NPY_ARRAY_CARRAY_RO):
            return self.time_major(array).reshape(self.total, units)
        array = rows_contiguous(array)
        packed = new_matrix(cnp.PyArray_TYPE(array), self.total, units)
        cdef int64_t batch_stride = cnp.PyArray_STRIDE(array, 0) // item
        cdef int64_t time_stride = cnp.PyArray_STRIDE(array, 1) // item
        cdef const void* source = data(array)
        cdef void* target = data(packed)
        with nogil:
            core.plan_outputs_backward(self.handle, dtype, source, batch_stride, time_stride, units, zero_output,
                                       target, threads)
        return packed
