"""A cell over a sequence: forward, and back-propagation through time.

Keras 3's semantics. A masked step carries the state; its output repeats the output of the step processed before it
(zero before the first real step, whatever the initial state), or is zero with ``zero_output_for_mask``.
``go_backwards`` processes time and mask in reverse, and the outputs stay in the order of processing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnfast.reference.activations import Array
from rnnfast.reference.cells import (
    GRU,
    GRU_RESET_BEFORE,
    LSTM,
    Cell,
    Parameters,
    find_cell,
    norm_gradients,
    peephole_gradient,
    projection_gradient,
    recurrent_kernel_gradient,
)
from rnnfast.reference.layer_norm import LayerNorm, normalized, normalized_backward


@dataclass(frozen=True)
class RnnCache:
    """What ``rnn_backward`` reads of a forward pass. Arrays are time-major and in the order of processing."""

    cell: Cell
    parameters: Parameters
    kernel: Array
    use_bias: bool
    x: Array  # (time, batch, input), zero at masked steps
    raw: Array  # x W: (time, batch, gates * units)
    real: Array | None  # (time, batch, 1) bool, or None: every step is real
    steps: list[Any]
    option_gradients: dict[str, Array]  # filled by rnn_backward: of the weights that an option adds
    x_factors: Array | None
    shares: list[Any]  # for each state (time, batch, units), or a number: how much of it zoneout keeps
    go_backwards: bool
    zero_output_for_mask: bool
    return_sequences: bool


def rnn_forward(
    cell: str,
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    peephole: Array | None = None,
    *,
    activation: Any = "tanh",
    recurrent_activation: Any = "sigmoid",
    reset_after: bool = True,
    projection: Array | None = None,
    initial_state: Sequence[Array] | None = None,
    mask: Array | None = None,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = False,
    x_factors: Array | None = None,
    h_factors: Array | None = None,
    zoneout: Sequence[Any] | None = None,
    layer_norm: dict[str, Array] | None = None,
    layer_norm_epsilon: float = 1e-3,
) -> tuple[Array, list[Array], RnnCache]:
    """Run a recurrent layer over a batch of sequences.

    cell: "simple_rnn", "lstm" or "gru"; x (batch, time, input); kernel (input, gates * units); recurrent_kernel
    (units, gates * units); bias (gates * units), for GRU with reset_after (2, 3 * units), or None; peephole, for LSTM,
    (3, units) or None; projection, for LSTM, (units, state) or None, with which recurrent_kernel is (state, 4 * units)
    and h (batch, state). activation and recurrent_activation: as in ``activate``. initial_state: [h] or, for LSTM,
    [h, c], each (batch, units), default zeros. mask: bool (batch, time), True where a step is real. x_factors and
    h_factors: (gates, batch, input) and (gates, batch, units), what each gate's product multiplies x and h_{t-1}
    with (dropout; for GRU with reset_after=False the candidate's are those of r h_{t-1}). zoneout: for each state the
    share of it that stays what it was (Krueger et al. 2017): a number, or (batch, time, units), drawn as 0 and 1.
    layer_norm: for LSTM and GRU, the arrays of ``LayerNorm`` by name, or None.

    Returns ``(output, states, cache)``: output (batch, time, units) with return_sequences, else that of the last step
    processed, (batch, units); states after the last step, [h] or [h, c]; the cache for ``rnn_backward``. All have the
    dtype of ``x``. Raises ValueError for an unknown cell or arrays whose shapes do not fit together.

    >>> import numpy as np
    >>> x, w, u = np.ones((1, 2, 1)), np.full((1, 1), 0.5), np.full((1, 1), 2.0)
    >>> output, states, cache = rnn_forward("simple_rnn", x, w, u, activation="linear", return_sequences=True)
    >>> output[0, :, 0]
    array([0.5, 1.5])
    """
    kind = find_cell(cell, reset_after)
    norm = None if layer_norm is None else LayerNorm(layer_norm_epsilon, **layer_norm)
    _check_shapes(kind, x, kernel, recurrent_kernel, bias, peephole, projection, initial_state, mask, norm)
    batch, time, _ = x.shape
    state = recurrent_kernel.shape[0]
    units = kernel.shape[1] // kind.gates

    steps_x = x.swapaxes(0, 1)
    real = None if mask is None else mask.T[:, :, None]
    if go_backwards:
        steps_x = steps_x[::-1]
        real = None if real is None else real[::-1]
    if real is not None:  # so that nothing in the padding, a NaN for instance, reaches a product
        steps_x = np.where(real, steps_x, np.zeros((), x.dtype))
    steps_x = np.ascontiguousarray(steps_x)

    input_bias, recurrent_bias = (bias[0], bias[1]) if kind is GRU and bias is not None else (bias, None)
    gates = [
        (steps_x if x_factors is None else steps_x * factors) @ columns
        for factors, columns in zip(
            [None] * kind.gates if x_factors is None else x_factors,
            np.split(kernel, kind.gates, 1),
            strict=True,
        )
    ]
    raw = np.concatenate(gates, axis=-1)
    projected = raw.copy() if norm is None else norm.kernel_gamma * normalized(raw, norm.epsilon)
    if input_bias is not None:
        projected += input_bias

    parameters = Parameters(
        recurrent_kernel, recurrent_bias, peephole, activation, recurrent_activation, projection, h_factors, norm
    )
    shares = [_in_order(share, go_backwards) for share in zoneout or [0.0] * kind.states]
    sizes = [state, units][: kind.states]
    states = tuple(initial_state or [np.zeros((batch, size), x.dtype) for size in sizes])
    output = np.zeros((batch, state), x.dtype)
    outputs, steps = [], []
    for t in range(time):
        new_states, step = kind.step(parameters, projected[t], *states)
        new_states = tuple(
            _at(share, t) * old + (1.0 - _at(share, t)) * new
            for share, new, old in zip(shares, new_states, states, strict=True)
        )
        if real is None:
            states, output = new_states, new_states[0]
        else:
            states = tuple(np.where(real[t], new, old) for new, old in zip(new_states, states, strict=True))
            output = np.where(real[t], new_states[0], np.zeros_like(output) if zero_output_for_mask else output)
        outputs.append(output)
        steps.append(step)

    cache = RnnCache(
        kind,
        parameters,
        kernel,
        bias is not None,
        steps_x,
        raw,
        real,
        steps,
        {},
        x_factors,
        shares,
        go_backwards,
        zero_output_for_mask,
        return_sequences,
    )
    return np.stack(outputs, axis=1) if return_sequences else output, list(states), cache


def rnn_backward(
    cache: RnnCache, d_output: Array | None, d_states: Sequence[Array | None] | None = None
) -> tuple[Array, Array, Array, Array | None, Array | None, list[Array]]:
    """Gradients of a scalar by all arguments of ``rnn_forward``, from those by its results.

    d_output: the shape of output, or None for zero; d_states: one (batch, units) or None for each state. Returns
    ``(dx, dkernel, drecurrent_kernel, dbias, dpeephole, d_initial_states)``, each with the shape of its argument; dbias
    and dpeephole are None where the argument was. The gradients of a projection and of layer normalisation's weights
    are left in ``cache.option_gradients``, by name.
    ``dx`` is zero at masked steps. A cache may be used any number of times.

    >>> import numpy as np
    >>> x, w, u = np.ones((1, 2, 1)), np.full((1, 1), 0.5), np.full((1, 1), 2.0)
    >>> output, states, cache = rnn_forward("simple_rnn", x, w, u, activation="linear")
    >>> dx, dw, du, *_ = rnn_backward(cache, np.ones((1, 1)))
    >>> dx[0, :, 0], dw, du
    (array([1. , 0.5]), array([[3.]]), array([[0.5]]))
    """
    kind, parameters, real = cache.cell, cache.parameters, cache.real
    time, batch, _ = cache.x.shape
    dtype, columns = cache.x.dtype, cache.kernel.shape[1]
    zeros = np.zeros((batch, parameters.recurrent_kernel.shape[0]), dtype)
    nothing = [zeros, np.zeros((batch, parameters.units), dtype)][: kind.states]

    given = d_states or [None] * kind.states
    d_next = tuple(none if d is None else d for d, none in zip(given, nothing, strict=True))
    d_repeated = zeros  # gradient of the outputs of masked steps, on its way to the output that they repeat
    da = np.zeros((time, batch, columns), dtype)
    du = np.zeros((time, batch, columns), dtype) if kind is GRU else da
    for t in reversed(range(time)):
        dy = _output_gradient(cache, d_output, t, zeros)
        if real is None:
            da[t], du[t], d_next = _step_backward(cache, t, (d_next[0] + dy, *d_next[1:]))
            continue
        dy = dy + d_repeated
        d_repeated = zeros if cache.zero_output_for_mask else np.where(real[t], zeros, dy)
        d_new = [np.where(real[t], d, np.zeros_like(d)) for d in (d_next[0] + dy, *d_next[1:])]
        da[t], du[t], d_prev = _step_backward(cache, t, d_new)
        d_next = tuple(np.where(real[t], prev, carried) for prev, carried in zip(d_prev, d_next, strict=True))

    norm = parameters.norm
    if norm is None:
        dx, dkernel = _input_gradients(cache, da)
    else:
        dx, dkernel = _input_gradients(cache, normalized_backward(cache.raw, norm.kernel_gamma * da, norm.epsilon))
        cache.option_gradients["kernel_gamma"] = (da * normalized(cache.raw, norm.epsilon)).sum((0, 1))
        cache.option_gradients.update(norm_gradients(parameters, cache.steps, du, kind is GRU_RESET_BEFORE))
    if cache.go_backwards:
        dx = dx[::-1]
    drecurrent_kernel = recurrent_kernel_gradient(parameters, cache.steps, du, kind is GRU_RESET_BEFORE)
    dbias = None
    if cache.use_bias:
        dbias = da.sum((0, 1)) if kind is not GRU else np.stack([da.sum((0, 1)), du.sum((0, 1))])
    dpeephole = None if parameters.peephole is None else peephole_gradient(cache.steps, da)
    if parameters.projection is not None:
        cache.option_gradients["projection"] = projection_gradient(cache.steps)
    return dx.swapaxes(0, 1), dkernel, drecurrent_kernel, dbias, dpeephole, list(d_next)


def _in_order(share: Any, go_backwards: bool) -> Any:
    """A zoneout share, time-major and in the order of processing where it has steps."""
    if np.ndim(share) == 0:
        return share
    return share.swapaxes(0, 1)[::-1] if go_backwards else share.swapaxes(0, 1)


def _at(share: Any, t: int) -> Any:
    return share if np.ndim(share) == 0 else share[t]


def _step_backward(cache: RnnCache, t: int, d_states: Sequence[Array]) -> tuple[Array, Array, tuple[Array, ...]]:
    """The cell's backward step, with the parts of the states' gradients that zoneout lets pass by it."""
    shares = [_at(share, t) for share in cache.shares]
    moved = [(1.0 - share) * d for share, d in zip(shares, d_states, strict=True)]
    da, du, d_prev = cache.cell.step_backward(cache.parameters, cache.steps[t], *moved)
    passed = zip(d_prev, shares, d_states, strict=True)
    return da, du, tuple(prev + share * d for prev, share, d in passed)


def _input_gradients(cache: RnnCache, da: Array) -> tuple[Array, Array]:
    """dx, in the order of processing, and dkernel."""
    gates = cache.cell.gates
    dx, columns = np.zeros_like(cache.x), []
    for gate, (d, kernel) in enumerate(zip(np.split(da, gates, -1), np.split(cache.kernel, gates, 1), strict=True)):
        factors = 1.0 if cache.x_factors is None else cache.x_factors[gate]
        dx += factors * (d @ kernel.T)
        columns.append(np.tensordot(cache.x * factors, d, ((0, 1), (0, 1))))
    return dx, np.concatenate(columns, axis=-1)


def _output_gradient(cache: RnnCache, d_output: Array | None, t: int, zeros: Array) -> Array:
    """Gradient of the output of step ``t`` in the order of processing."""
    if d_output is None:
        return zeros
    if cache.return_sequences:
        return d_output[:, t]
    return d_output if t == len(cache.steps) - 1 else zeros


def _check_shapes(
    kind: Cell,
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    peephole: Array | None,
    projection: Array | None,
    initial_state: Sequence[Array] | None,
    mask: Array | None,
    norm: LayerNorm | None,
) -> None:
    """Raise ValueError where broadcasting would otherwise hide a wrong shape."""
    if x.ndim != 3 or x.shape[1] == 0:
        raise ValueError(f"x: expected (batch, time, input) with at least one step, received shape {x.shape}")
    batch, time, features = x.shape
    state = recurrent_kernel.shape[0]
    units = state if projection is None else projection.shape[0]
    columns = kind.gates * units
    expected = {
        "kernel": (kernel, (features, columns)),
        "recurrent_kernel": (recurrent_kernel, (state, columns)),
        "bias": (bias, (2, columns) if kind is GRU else (columns,)),
        "peephole": (peephole, (3, units)),
        "projection": (projection, (units, state)),
        "mask": (mask, (batch, time)),
    }
    if norm is not None:
        for name, array in norm._asdict().items():
            if name != "epsilon":
                expected[f"layer_norm[{name!r}]"] = (array, (units if name.startswith("cell") else columns,))
    if initial_state is not None and len(initial_state) != kind.states:
        raise ValueError(f"initial_state: expected {kind.states} arrays, received {len(initial_state)}")
    for index, initial in enumerate(initial_state or []):
        expected[f"initial_state[{index}]"] = (initial, (batch, units if index else state))
    for name, (array, shape) in expected.items():
        if array is not None and array.shape != shape:
            raise ValueError(f"{name}: expected shape {shape}, received {array.shape}")
    if peephole is not None and kind is not LSTM:
        raise ValueError("peephole: only an LSTM has peephole weights")
    if projection is not None and kind is not LSTM:
        raise ValueError("projection: only an LSTM has one")
    if norm is not None and kind.gates == 1:
        raise ValueError("layer_norm: only an LSTM or a GRU has it")
    if mask is not None and mask.dtype != np.bool_:
        raise ValueError(f"mask: expected dtype bool, received {mask.dtype}")
