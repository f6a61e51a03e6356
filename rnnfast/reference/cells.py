"""One time step of each cell, and its chain rule.

A step takes ``a``, the input projection ``x_t W + b`` with the gates side by side, and the states before it; it returns
the states after it and what its backward step reads. A backward step takes the gradients of the states after, and
returns the gradient of ``a``, that of the recurrent product ``u = h_{t-1} U`` (the same array unless the cell treats
the two differently) and those of the states before.

Shapes: ``a (batch, gates * units)``, states ``(batch, units)``. Gate order: LSTM ``i f g o``, GRU ``z r h``.

Sources: SimpleRNN: Elman 1990. LSTM: Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; its
peepholes: Gers and Schmidhuber 2000, as in ONNX (i and f see the cell state before the step, o the one after). GRU: Cho
et al. 2014; ``reset_after``: the variant of cuDNN, Keras' default.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rnnfast.reference.activations import Array, activate, activate_backward
from rnnfast.reference.layer_norm import LayerNorm, normalized, normalized_backward


class Parameters(NamedTuple):
    """What a step reads beside its input and its state."""

    recurrent_kernel: Array  # U: (units, gates * units)
    recurrent_bias: Array | None = None  # GRU reset_after: (3 * units), added to h U
    peephole: Array | None = None  # LSTM: (3, units) for i, f, o
    activation: Any = "tanh"
    recurrent_activation: Any = "sigmoid"
    projection: Array | None = None  # LSTM: (units, state), makes h of o act(c)
    h_factors: Array | None = None  # (gates, batch, state), what each gate's product multiplies h_{t-1} with
    norm: LayerNorm | None = None

    @property
    def units(self) -> int:
        return self.recurrent_kernel.shape[0] if self.projection is None else self.projection.shape[0]


def state_of_gate(p: Parameters, h_prev: Array, gate: int) -> Array:
    """``h_{t-1}`` as the product of one gate sees it, after dropout."""
    return h_prev if p.h_factors is None else h_prev * p.h_factors[gate]


def recurrent_product(p: Parameters, h_prev: Array, first: int, count: int) -> Array:
    """``h_{t-1} U`` of ``count`` gates from ``first`` on, normalised together where the layer does so."""
    u = plain_product(p, h_prev, first, count)
    return u if p.norm is None else _gamma(p, first, count) * normalized(u, p.norm.epsilon)


def plain_product(p: Parameters, h_prev: Array, first: int, count: int) -> Array:
    kernels = _gate_kernels(p, first, count)
    return np.concatenate([state_of_gate(p, h_prev, first + g) @ kernel for g, kernel in enumerate(kernels)], axis=-1)


def recurrent_product_backward(p: Parameters, h_prev: Array, du: Array, first: int, count: int) -> Array:
    """Gradient of ``h_{t-1}`` from that of the product, ``du (batch, count * units)``."""
    du = plain_product_gradient(p, h_prev, du, first, count)
    parts = zip(np.split(du, count, axis=-1), _gate_kernels(p, first, count), strict=True)
    return np.sum([state_of_gate(p, d @ kernel.T, first + g) for g, (d, kernel) in enumerate(parts)], axis=0)


def plain_product_gradient(p: Parameters, h_prev: Array, du: Array, first: int, count: int) -> Array:
    """The gradient of the product before it is normalised, from ``du``, the one after."""
    if p.norm is None:
        return du
    raw = plain_product(p, h_prev, first, count)
    return normalized_backward(raw, _gamma(p, first, count) * du, p.norm.epsilon)


def _gamma(p: Parameters, first: int, count: int) -> Array:
    assert p.norm is not None
    return p.norm.recurrent_gamma[first * p.units : (first + count) * p.units]


def _gate_kernels(p: Parameters, first: int, count: int) -> list[Array]:
    units = p.units
    return [p.recurrent_kernel[:, g * units : (g + 1) * units] for g in range(first, first + count)]


class SimpleRnnStep(NamedTuple):
    h_prev: Array
    z: Array
    h: Array


def simple_rnn_step(p: Parameters, a: Array, h_prev: Array) -> tuple[tuple[Array], SimpleRnnStep]:
    """``h_t = act(a_t + h_{t-1} U)``"""
    z = a + recurrent_product(p, h_prev, 0, 1)
    h = activate(p.activation, z)
    return (h,), SimpleRnnStep(h_prev, z, h)


def simple_rnn_step_backward(p: Parameters, s: SimpleRnnStep, dh: Array) -> tuple[Array, Array, tuple[Array]]:
    dz = activate_backward(p.activation, s.z, s.h, dh)
    return dz, dz, (recurrent_product_backward(p, s.h_prev, dz, 0, 1),)


class LstmStep(NamedTuple):
    h_prev: Array
    c_prev: Array
    z: tuple[Array, Array, Array, Array]  # pre-activations of i f g o
    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    seen_c: Array  # what the activation sees of c: c, or c normalised
    act_c: Array
    gradients: dict[str, Array]  # filled by the backward step, for weights: of h and of seen_c


def lstm_step(p: Parameters, a: Array, h_prev: Array, c_prev: Array) -> tuple[tuple[Array, Array], LstmStep]:
    """``c_t = f c_{t-1} + i g``, ``h_t = o act(c_t)``, with peephole weights on i, f (``c_{t-1}``) and o (``c_t``).

    With a projection ``R``: ``h_t = (o act(c_t)) R`` (Sak et al. 2014). With layer normalisation act sees ``gamma_c
    N(c_t) + beta_c``.
    """
    zi, zf, zg, zo = np.split(a + recurrent_product(p, h_prev, 0, 4), 4, axis=-1)
    if p.peephole is not None:
        zi = zi + p.peephole[0] * c_prev
        zf = zf + p.peephole[1] * c_prev
    i = activate(p.recurrent_activation, zi)
    f = activate(p.recurrent_activation, zf)
    g = activate(p.activation, zg)
    c = f * c_prev + i * g
    if p.peephole is not None:
        zo = zo + p.peephole[2] * c
    o = activate(p.recurrent_activation, zo)
    seen_c = c if p.norm is None else p.norm.cell_gamma * normalized(c, p.norm.epsilon) + p.norm.cell_beta
    act_c = activate(p.activation, seen_c)
    h = o * act_c
    if p.projection is not None:
        h = h @ p.projection
    return (h, c), LstmStep(h_prev, c_prev, (zi, zf, zg, zo), i, f, g, o, c, seen_c, act_c, {})


def lstm_step_backward(p: Parameters, s: LstmStep, dh: Array, dc: Array) -> tuple[Array, Array, tuple[Array, Array]]:
    zi, zf, zg, zo = s.z
    if p.projection is not None:
        s.gradients["h"] = dh
        dh = dh @ p.projection.T
    dzo = activate_backward(p.recurrent_activation, zo, s.o, dh * s.act_c)
    of_h = activate_backward(p.activation, s.seen_c, s.act_c, dh * s.o)
    if p.norm is not None:
        s.gradients["seen_c"] = of_h
        of_h = normalized_backward(s.c, p.norm.cell_gamma * of_h, p.norm.epsilon)
    dc = dc + of_h
    if p.peephole is not None:
        dc = dc + dzo * p.peephole[2]
    dzi = activate_backward(p.recurrent_activation, zi, s.i, dc * s.g)
    dzf = activate_backward(p.recurrent_activation, zf, s.f, dc * s.c_prev)
    dzg = activate_backward(p.activation, zg, s.g, dc * s.i)
    dc_prev = dc * s.f
    if p.peephole is not None:
        dc_prev = dc_prev + dzi * p.peephole[0] + dzf * p.peephole[1]
    dz = np.concatenate([dzi, dzf, dzg, dzo], axis=-1)
    return dz, dz, (recurrent_product_backward(p, s.h_prev, dz, 0, 4), dc_prev)


def peephole_gradient(steps: list[LstmStep], dz: Array) -> Array:
    """``(3, units)``: the sums over steps and batch of ``dz_i c_{t-1}``, ``dz_f c_{t-1}`` and ``dz_o c_t``.

    ``dz``: ``(time, batch, 4 * units)``.
    """
    dzi, dzf, _, dzo = np.split(dz, 4, axis=-1)
    c_prev = np.stack([s.c_prev for s in steps])
    c = np.stack([s.c for s in steps])
    return np.stack([(dzi * c_prev).sum((0, 1)), (dzf * c_prev).sum((0, 1)), (dzo * c).sum((0, 1))])


def projection_gradient(steps: list[LstmStep]) -> Array:
    """``(units, state)``: the sum over steps and batch of ``(o act(c))^T dh``, after all backward steps."""
    return np.sum([(s.o * s.act_c).T @ s.gradients["h"] for s in steps], axis=0)


class GruStep(NamedTuple):
    h_prev: Array
    pre: tuple[Array, Array, Array]  # pre-activations of z r h
    z: Array
    r: Array
    n: Array  # the candidate
    inner: Array  # what r multiplies: h U + b with reset_after, else h_{t-1}


def gru_step(p: Parameters, a: Array, h_prev: Array) -> tuple[tuple[Array], GruStep]:
    """``n = act(a_h + r (h_{t-1} U_h + b_h))``, ``h_t = z h_{t-1} + (1 - z) n``: ``reset_after=True``."""
    u = recurrent_product(p, h_prev, 0, 3)
    if p.recurrent_bias is not None:
        u = u + p.recurrent_bias
    az, ar, an = np.split(a, 3, axis=-1)
    uz, ur, un = np.split(u, 3, axis=-1)
    pre_z, pre_r = az + uz, ar + ur
    z = activate(p.recurrent_activation, pre_z)
    r = activate(p.recurrent_activation, pre_r)
    pre_n = an + r * un
    n = activate(p.activation, pre_n)
    h = z * h_prev + (1.0 - z) * n
    return (h,), GruStep(h_prev, (pre_z, pre_r, pre_n), z, r, n, un)


def gru_step_backward(p: Parameters, s: GruStep, dh: Array) -> tuple[Array, Array, tuple[Array]]:
    pre_z, pre_r, pre_n = s.pre
    dz = activate_backward(p.recurrent_activation, pre_z, s.z, dh * (s.h_prev - s.n))
    dn = activate_backward(p.activation, pre_n, s.n, dh * (1.0 - s.z))
    dr = activate_backward(p.recurrent_activation, pre_r, s.r, dn * s.inner)
    da = np.concatenate([dz, dr, dn], axis=-1)
    du = np.concatenate([dz, dr, dn * s.r], axis=-1)
    return da, du, (dh * s.z + recurrent_product_backward(p, s.h_prev, du, 0, 3),)


def gru_reset_before_step(p: Parameters, a: Array, h_prev: Array) -> tuple[tuple[Array], GruStep]:
    """``n = act(a_h + (r h_{t-1}) U_h)``, ``h_t = z h_{t-1} + (1 - z) n``: ``reset_after=False``."""
    az, ar, an = np.split(a, 3, axis=-1)
    uz, ur = np.split(recurrent_product(p, h_prev, 0, 2), 2, axis=-1)
    pre_z, pre_r = az + uz, ar + ur
    z = activate(p.recurrent_activation, pre_z)
    r = activate(p.recurrent_activation, pre_r)
    pre_n = an + recurrent_product(p, r * h_prev, 2, 1)
    n = activate(p.activation, pre_n)
    h = z * h_prev + (1.0 - z) * n
    return (h,), GruStep(h_prev, (pre_z, pre_r, pre_n), z, r, n, h_prev)


def gru_reset_before_step_backward(p: Parameters, s: GruStep, dh: Array) -> tuple[Array, Array, tuple[Array]]:
    units = s.h_prev.shape[-1]
    pre_z, pre_r, pre_n = s.pre
    dz = activate_backward(p.recurrent_activation, pre_z, s.z, dh * (s.h_prev - s.n))
    dn = activate_backward(p.activation, pre_n, s.n, dh * (1.0 - s.z))
    d_rh = recurrent_product_backward(p, s.r * s.h_prev, dn, 2, 1)
    dr = activate_backward(p.recurrent_activation, pre_r, s.r, d_rh * s.h_prev)
    da = np.concatenate([dz, dr, dn], axis=-1)
    dh_prev = dh * s.z + d_rh * s.r + recurrent_product_backward(p, s.h_prev, da[:, : 2 * units], 0, 2)
    return da, da, (dh_prev,)


def recurrent_kernel_gradient(p: Parameters, steps: list[Any], du: Array, reset_before: bool) -> Array:
    """``dU = sum_t h_{t-1}^T du_t``, h_{t-1} as each gate sees it; ``reset_before``: the candidate sees ``r h_{t-1}``.

    ``du``: ``(time, batch, gates * units)``.
    """
    columns = []
    for first, count, seen, d in _products(p, steps, du, reset_before):
        raw = [plain_product_gradient(p, h, d_step, first, count) for h, d_step in zip(seen, d, strict=True)]
        for g, columns_of_gate in enumerate(np.split(np.concatenate(raw), count, axis=-1)):
            rows = np.concatenate([state_of_gate(p, h, first + g) for h in seen])
            columns.append(rows.T @ columns_of_gate)
    return np.concatenate(columns, axis=-1)


def norm_gradients(p: Parameters, steps: list[Any], du: Array, reset_before: bool) -> dict[str, Array]:
    """By name, the gradients of the weights of layer normalisation inside the steps, after all backward steps."""
    assert p.norm is not None
    gammas = []
    for first, count, seen, d in _products(p, steps, du, reset_before):
        normal = [normalized(plain_product(p, h, first, count), p.norm.epsilon) for h in seen]
        gammas.append(np.sum([(d_step * n).sum(0) for d_step, n in zip(d, normal, strict=True)], axis=0))
    gradients = {"recurrent_gamma": np.concatenate(gammas)}
    if p.norm.cell_gamma is not None:
        d_cell = [(s.gradients["seen_c"], normalized(s.c, p.norm.epsilon)) for s in steps]
        gradients["cell_gamma"] = np.sum([(d * n).sum(0) for d, n in d_cell], axis=0)
        gradients["cell_beta"] = np.sum([d.sum(0) for d, _ in d_cell], axis=0)
    return gradients


def _products(p: Parameters, steps: list[Any], du: Array, reset_before: bool) -> list[tuple[int, int, Any, Array]]:
    """The recurrent products of a step: first gate, number of gates, the states of all steps that they read, ``du``."""
    units, gates = p.units, du.shape[-1] // p.units
    h = [s.h_prev for s in steps]
    if not reset_before:
        return [(0, gates, h, du)]
    return [(0, 2, h, du[..., : 2 * units]), (2, 1, [s.r * s.h_prev for s in steps], du[..., 2 * units :])]


class Cell(NamedTuple):
    gates: int
    states: int
    step: Callable[..., Any]
    step_backward: Callable[..., Any]


SIMPLE_RNN = Cell(1, 1, simple_rnn_step, simple_rnn_step_backward)
LSTM = Cell(4, 2, lstm_step, lstm_step_backward)
GRU = Cell(3, 1, gru_step, gru_step_backward)
GRU_RESET_BEFORE = Cell(3, 1, gru_reset_before_step, gru_reset_before_step_backward)


def find_cell(name: str, reset_after: bool) -> Cell:
    if name == "simple_rnn":
        return SIMPLE_RNN
    if name == "lstm":
        return LSTM
    if name == "gru":
        return GRU if reset_after else GRU_RESET_BEFORE
    raise ValueError(f"cell: expected 'simple_rnn', 'lstm' or 'gru', received {name!r}")
