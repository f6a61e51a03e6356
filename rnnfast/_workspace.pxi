# Part of _kernels.pyx: memory that one training step leaves to the next. Fresh pages from the system would cost a step
# about a tenth of its time.

cdef int64_t IDLE_LIMIT = 256 << 20  # bytes kept at most
cdef list idle = []  # byte arrays, the most recently used last


cdef workspace(int64_t size, int number):
    """An uninitialised array that starts on a cache line."""
    cdef int64_t needed = size * (4 if number == cnp.NPY_FLOAT32 else 8) + 64
    memory = None
    with cython.critical_section(idle):
        for place in range(len(idle) - 1, -1, -1):
            if needed <= len(idle[place]) <= 2 * needed:
                memory = idle.pop(place)
                break
    if memory is None:
        memory = np.empty(needed, np.uint8)
    cdef int64_t start = -<int64_t> <uintptr_t> cnp.PyArray_DATA(memory) & 63
    return memory[start:start + needed - 64].view(cnp.PyArray_DescrFromType(number))


cdef int release(array) except -1:
    """Hands a workspace back. Nothing else may refer to it."""
    if array is None:
        return 0
    memory = array
    while memory.base is not None:
        memory = memory.base
    cdef int64_t kept = 0
    with cython.critical_section(idle):
        idle.append(memory)
        for place in range(len(idle) - 1, -1, -1):
            kept += len(idle[place])
            if kept > IDLE_LIMIT:
                del idle[:place + 1]
                break
    return 0
