# Part of _kernels.pyx: forward and backward of a recurrent layer over whole sequences.

CELLS = {"simple_rnn": <int> CellKind.simple_rnn, "lstm": <int> CellKind.lstm, "gru": <int> CellKind.gru}


@cython.final
cdef class RnnCache:
    """One forward pass and what its backward pass needs. Holds no weights' copies: they must not change in between."""
    cdef Plan plan
    cdef RnnSpec spec
    cdef int number, threads
    cdef MatmulPrecision precision
    cdef object kernel, recurrent_kernel, bias, peephole, projection
    cdef dict layer_norm  # its weights by name, or empty
    cdef readonly dict option_gradients  # filled by rnn_backward: of the weights that an option adds, by its argument
    cdef object x, h, c, z, extra
    cdef Noise noise
    cdef object index  # of the rows of x, packed: None or int32 (total,)
    cdef object silent  # rows whose last output is zero and not their state: None or bool (batch,)
    cdef bint return_sequences, zero_output
    cdef bint taken  # by a backward pass that is running

    cdef RnnForward call(self) noexcept:
        cdef RnnForward call
        call.dtype = dtype_of(self.number)
        call.spec = &self.spec
        call.weights.kernel = data(self.kernel)
        call.weights.recurrent_kernel = data(self.recurrent_kernel)
        call.weights.bias = data(self.bias)
        call.weights.peephole = data(self.peephole)
        call.weights.projection = data(self.projection)
        call.weights.norm.kernel_gamma = data(self.layer_norm.get("kernel_gamma"))
        call.weights.norm.recurrent_gamma = data(self.layer_norm.get("recurrent_gamma"))
        call.weights.norm.cell_gamma = data(self.layer_norm.get("cell_gamma"))
        call.weights.norm.cell_beta = data(self.layer_norm.get("cell_beta"))
        call.plan = self.plan.handle
        call.noise = self.noise.call()
        call.x = data(self.x)
        call.h = data(self.h)
        call.c = data(self.c)
        call.z = data(self.z)
        call.extra = data(self.extra)
        call.threads = self.threads
        call.precision = self.precision
        call.index = <const int32_t*> data(self.index)
        call.x_rows = self.x_rows()
        return call

    cdef int64_t x_rows(self) noexcept:
        return 0 if self.index is None else self.x.shape[0]

    cdef history(self, str name, int64_t size, initial):
        """States (total + batch, size), the initial ones (or zeros) in the last rows."""
        states = new_matrix(self.number, self.plan.total + self.plan.batch, size)
        if initial is None:
            memset(row_of(states, self.plan.total), 0, self.plan.batch * size * cnp.PyArray_ITEMSIZE(states))
        else:
            check(name, initial, self.number, (self.plan.batch, size))
            states[self.plan.total:] = self.plan.sorted_rows(initial)
        return states

    cdef void release(self) noexcept:
        """Lets go of everything; the cache is used up."""
        self.plan = None
        self.noise = None
        self.x = self.h = self.c = self.z = self.extra = self.index = None

    cdef last_gradient(self, str name, int64_t size, d_output, d_state):
        """Gradient of the final state, sorted: what reaches it as the output and what reaches it as a state."""
        shape = (self.plan.batch, size)
        total = new_matrix(self.number, self.plan.batch, size)
        if d_output is None:
            memset(data(total), 0, cnp.PyArray_NBYTES(total))
        else:
            check("d_output", d_output, self.number, shape)
            cnp.PyArray_CopyInto(total, d_output)
            if self.silent is not None:
                total[self.silent] = 0
        if d_state is not None:
            check(name, d_state, self.number, shape)
            total += d_state
        return self.plan.sorted_rows(total)


cdef indexed_shape(x, index):
    """The shape (batch, time, input) that rows (rows, input) and an index stand for."""
    check_array("index", index)
    if cnp.PyArray_TYPE(index) != cnp.NPY_INT32:
        raise TypeError(f"index: expected int32, got {index.dtype}")
    if x.ndim != 2 or index.ndim != 2:
        raise ValueError(f"x, index: expected shapes (rows, input) and (batch, time), got {x.shape} and {index.shape}")
    if index.size and not 0 <= index.min() <= index.max() < x.shape[0]:
        raise ValueError(f"index: expected values from 0 to {x.shape[0] - 1}, got {index.min()} to {index.max()}")
    return (*index.shape, x.shape[1])


cdef check_layer_norm(given, double epsilon, int number, str cell, int64_t gates, int64_t units):
    """The weights of layer normalisation, by name."""
    wanted = {"kernel_gamma": (gates * units,), "recurrent_gamma": (gates * units,)}
    if cell == "lstm":
        wanted.update(cell_gamma=(units,), cell_beta=(units,))
    elif cell != "gru":
        raise ValueError(f"layer_norm: only an lstm or a gru has it, not {cell}")
    if set(given) != set(wanted):
        raise ValueError(f"layer_norm: expected {', '.join(wanted)}, got {', '.join(given) or 'nothing'}")
    if not 0 < epsilon < float("inf"):
        raise ValueError(f"layer_norm_epsilon: expected a positive number, got {epsilon}")
    for name, shape in wanted.items():
        check_contiguous(f"layer_norm[{name!r}]", given[name], number, shape)
    return dict(given)


def rnn_forward(str cell, x, kernel, recurrent_kernel, bias, peephole, *, activation, recurrent_activation,
                bint reset_after=True, projection=None, initial_state=None, mask=None, lengths=None,
                bint go_backwards=False, bint zero_output_for_mask=False, bint return_sequences=False, x_factors=None,
                h_factors=None, zoneout=None, bint training=False, index=None, layer_norm=None,
                double layer_norm_epsilon=1e-3):
    """A recurrent layer over whole sequences, with Keras' meaning of every argument.

    cell: "simple_rnn", "lstm" or "gru", with G = 1, 4 (i f g o) or 3 (z r h) gates.
    x: (batch, time, input), any strides; read in place where it is time-major or a single row or step.
    index: None or int32 (batch, time); x is (rows, input) then, and step t of row b reads x[index[b, t]]. Not together
    with x_factors.
    kernel: (input, G*units). recurrent_kernel: (units, G*units). projection: None or, for an LSTM, (units, state): h is
    o * activation(c) times it; then recurrent_kernel is (state, G*units), and so are output and h (batch, state).
    bias: None or (G*units,); for a GRU with reset_after (2, 3*units). peephole: None or, for an LSTM, (3, units).
    layer_norm: None or, for an lstm or a gru, its weights by name: kernel_gamma and recurrent_gamma (G*units,), and for
    an lstm cell_gamma and cell_beta (units,). Not together with x_factors or h_factors.
    activation, recurrent_activation: rnnfast.activations.Activation, element-wise.
    initial_state: None (zeros) or [h], for an LSTM [h, c], each (batch, units).
    x_factors, h_factors: None or (G, batch, input) and (G, batch, units), what each gate's product multiplies x, and
    the h before a step, with. zoneout: None or, for every state (lstm: h, c), how much of it stays what it was before a
    step: a share from 0 to 1, or bool (batch, time, units).
    mask: None or bool (batch, time), True = real. lengths: None or integers (batch,); at most one of the two.

    Returns (output, states, cache). output: (batch, time, units) with return_sequences, else (batch, units); it may be
    a view of the states that the cache keeps, so treat it as read-only. states: [h] or [h, c], each (batch, units).
    cache: for rnn_backward with training=True, else None.
    """
    cdef RnnCache run = RnnCache()
    cdef RnnForward call
    if cell not in CELLS:
        raise ValueError(f"cell: expected one of {', '.join(CELLS)}, got {cell!r}")
    run.number = float_type("x", x)
    shape = x.shape if index is None else indexed_shape(x, index)
    if len(shape) != 3 or 0 in shape[1:]:
        raise ValueError(f"x: expected shape (batch, time, input) with at least one step and feature, got {shape}")
    batch, time, input_dim = shape
    float_type("recurrent_kernel", recurrent_kernel)
    if recurrent_kernel.ndim != 2 or recurrent_kernel.shape[0] < 1:
        raise ValueError(f"recurrent_kernel: expected shape (units, gates * units), got {recurrent_kernel.shape}")
    cdef int64_t state = recurrent_kernel.shape[0], units = state
    run.spec.cell = <CellKind> <int> CELLS[cell]
    if projection is not None:
        if run.spec.cell != CellKind.lstm:
            raise ValueError(f"projection: only an lstm has one, not {cell}")
        units = recurrent_kernel.shape[1] // gate_count(run.spec.cell)
        check_contiguous("projection", projection, run.number, (units, state))
        run.spec.projection = state
    run.spec.reset_after = reset_after
    run.spec.activation = to_activation(activation)
    run.spec.recurrent_activation = to_activation(recurrent_activation)
    run.spec.input_dim, run.spec.units = input_dim, units
    cdef int64_t width = gate_count(run.spec.cell) * units
    cdef bint is_gru = run.spec.cell == CellKind.gru, is_lstm = run.spec.cell == CellKind.lstm

    check_contiguous("kernel", kernel, run.number, (input_dim, width))
    check_contiguous("recurrent_kernel", recurrent_kernel, run.number, (state, width))
    if bias is not None and is_gru and reset_after:
        check_contiguous("bias", bias, run.number, (2, width))
    elif bias is not None:
        check_contiguous("bias", bias, run.number, (width,))
    if peephole is not None:
        if not is_lstm:
            raise ValueError(f"peephole: only an lstm has one, not {cell}")
        check_contiguous("peephole", peephole, run.number, (3, units))
    if initial_state is None:
        initial_state = [None, None] if is_lstm else [None]
    elif len(initial_state) != 1 + is_lstm:
        raise ValueError(f"initial_state: expected {1 + is_lstm} arrays for {cell}, got {len(initial_state)}")

    run.kernel, run.recurrent_kernel, run.bias, run.peephole = kernel, recurrent_kernel, bias, peephole
    run.projection = projection
    run.layer_norm = {}
    if layer_norm is not None:
        if x_factors is not None or h_factors is not None:
            raise ValueError("layer_norm: not together with x_factors or h_factors")
        run.layer_norm = check_layer_norm(layer_norm, layer_norm_epsilon, run.number, cell,
                                          gate_count(run.spec.cell), units)
        run.spec.norm_epsilon = layer_norm_epsilon
    run.plan = Plan(batch, time, mask, lengths, go_backwards)
    if zoneout is not None and (peephole is not None or projection is not None or run.spec.cell == CellKind.simple_rnn):
        raise ValueError("zoneout: only for an lstm without peepholes and projection, or a gru")
    if index is not None and x_factors is not None:
        raise ValueError("index: not together with x_factors, which differ from row to row of a batch")
    run.noise = Noise()
    if x_factors is not None or h_factors is not None or zoneout is not None:
        run.noise.take(run.plan, run.number, (gate_count(run.spec.cell), batch), input_dim, state, units, x_factors,
                       h_factors, [0.0] * (1 + is_lstm) if zoneout is None else zoneout, 1 + is_lstm)
    run.threads = core.get_num_threads()
    run.precision = core.get_matmul_precision()
    run.return_sequences, run.zero_output = return_sequences, zero_output_for_mask
    run.h = run.history("initial_state[0]", state, initial_state[0])
    run.c = run.history("initial_state[1]", units, initial_state[1]) if is_lstm else None
    if index is None:
        run.x = run.plan.gather(x, run.threads)
    else:
        run.x, run.index = contiguous(x), run.plan.gather_index(index, run.threads)
    run.z = new_vector(run.number, core.rnn_z_size(dtype_of(run.number), &run.spec, run.plan.total, run.x_rows()))
    if (is_gru and not reset_after) or projection is not None:
        run.extra = new_matrix(run.number, run.plan.total, units)
    call = run.call()
    with nogil:
        core.rnn_forward(&call)

    states = [run.plan.final_states(run.h)]
    if is_lstm:
        states.append(run.plan.final_states(run.c))
    if return_sequences:
        output = run.plan.outputs(run.h, zero_output_for_mask, run.threads)
    else:
        output = states[0]
        run.silent = run.plan.silent_rows(mask, lengths, zero_output_for_mask)
        if run.silent is not None:
            output = np.where(run.silent[:, None], np.zeros((), output.dtype), output)
    if training:
        return output, states, run
    return output, states, None


def rnn_backward(RnnCache cache not None, d_output, d_states=None, *, bint need_dx=True):
    """Back-propagation through time of one rnn_forward(training=True).

    d_output: gradient of the output, of its shape, or None. d_states: None or a list like the returned states, each
    (batch, units) or None. A cache serves one call: the core overwrites what it holds.

    Returns (dx, dkernel, drecurrent_kernel, dbias, dpeephole, d_initial_states); dx is of the shape of x, so with an
    index it is the gradient of the rows (rows, input); it is None with need_dx=False, dbias and dpeephole are None
    where the layer has none, d_initial_states is [dh] or [dh, dc]. The gradients of weights that an option adds are in
    cache.option_gradients.
    """
    with cython.critical_section(cache):
        if cache.plan is None or cache.taken:
            raise ValueError("cache: rnn_backward has already used it")
        cache.taken = True
    try:
        return backward(cache, d_output, d_states, need_dx)
    finally:
        cache.taken = False


cdef backward(RnnCache cache, d_output, d_states, bint need_dx):
    """rnn_backward, for a cache that nothing else uses meanwhile."""
    cdef RnnBackward call
    cdef Plan plan = cache.plan
    cdef bint is_lstm = cache.spec.cell == CellKind.lstm
    if d_states is None:
        d_states = [None] * (1 + is_lstm)
    elif len(d_states) != 1 + is_lstm:
        raise ValueError(f"d_states: expected {1 + is_lstm} entries, got {len(d_states)}")
    d_last = None if cache.return_sequences else d_output
    cdef int64_t state = cache.recurrent_kernel.shape[0]
    dh = contiguous(cache.last_gradient("d_states[0]", state, d_last, d_states[0]))
    dc = contiguous(cache.last_gradient("d_states[1]", cache.spec.units, None, d_states[1])) if is_lstm else None
    dy = None
    if cache.return_sequences and d_output is not None:
        check("d_output", d_output, cache.number, (plan.batch, plan.time, state))
        dy = plan.outputs_backward(d_output, cache.zero_output, cache.threads)

    cdef bint by_index = cache.index is not None
    dx = new_like(cache.x) if need_dx else None
    dkernel, drecurrent_kernel, dbias = new_like(cache.kernel), new_like(cache.recurrent_kernel), new_like(cache.bias)
    dpeephole, dprojection = new_like(cache.peephole), new_like(cache.projection)
    call.dprojection = data(dprojection)
    dnorm = {name: new_like(weight) for name, weight in cache.layer_norm.items()}
    call.dnorm.kernel_gamma = data(dnorm.get("kernel_gamma"))
    call.dnorm.recurrent_gamma = data(dnorm.get("recurrent_gamma"))
    call.dnorm.cell_gamma, call.dnorm.cell_beta = data(dnorm.get("cell_gamma")), data(dnorm.get("cell_beta"))
    call.forward = cache.call()
    call.dy, call.dh, call.dc, call.dx = data(dy), data(dh), data(dc), data(dx)
    call.dkernel, call.drecurrent_kernel = data(dkernel), data(drecurrent_kernel)
    call.dbias, call.dpeephole = data(dbias), data(dpeephole)
    try:
        with nogil:
            core.rnn_backward(&call)
    finally:
        cache.release()
    cache.option_gradients = dnorm if dprojection is None else {**dnorm, "projection": dprojection}
    d_initial = [plan.batch_rows(dh)] + ([plan.batch_rows(dc)] if is_lstm else [])
    if need_dx and not by_index:
        dx = plan.scatter(dx, cache.threads)
    return dx, dkernel, drecurrent_kernel, dbias, dpeephole, d_initial
