"""The cells once more, one unit and one row at a time, with plain Python floats: the reference's own reference."""

import math

ACTIVATIONS = {
    "linear": lambda x: x,
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "hard_sigmoid": lambda x: min(max(x / 6 + 0.5, 0), 1),
    "relu": lambda x: max(x, 0.0),
    "softsign": lambda x: x / (1 + abs(x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x)),
    "gelu": lambda x: x * 0.5 * math.erfc(-x / math.sqrt(2)),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "exponential": math.exp,
    "leaky_relu": lambda x: x if x > 0 else 0.2 * x,
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "hard_tanh": lambda x: min(max(x, -1.0), 1.0),
    "hard_silu": lambda x: x * min(max(x + 3, 0), 6) / 6,
    "celu": lambda x: x if x > 0 else math.expm1(x),
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
    "log_sigmoid": lambda x: -math.log1p(math.exp(-x)),
    "hard_shrink": lambda x: x if abs(x) > 0.5 else 0.0,
    "soft_shrink": lambda x: math.copysign(max(abs(x) - 0.5, 0.0), x),
    "tanh_shrink": lambda x: x - math.tanh(x),
    "threshold": lambda x: x if x > 0 else 0.0,
    "sparse_plus": lambda x: 0.0 if x <= -1 else (x + 1) ** 2 / 4 if x < 1 else x,
    "sparse_sigmoid": lambda x: min(max((x + 1) / 2, 0.0), 1.0),
    "squareplus": lambda x: (x + math.sqrt(x**2 + 4)) / 2,
}


def dot(vector, matrix, column):
    return sum(vector[k] * matrix[k][column] for k in range(len(vector)))


def normalized(row, gamma, epsilon):
    mean = sum(row) / len(row)
    variance = sum((value - mean) ** 2 for value in row) / len(row)
    return [g * (value - mean) / math.sqrt(variance + epsilon) for g, value in zip(gamma, row, strict=True)]


def product(vector, matrix, columns, norm, gamma):
    """vector * matrix, of some columns, normalised together where there is a norm."""
    row = [dot(vector, matrix, j) for j in columns]
    return row if norm is None else normalized(row, [norm[gamma][j] for j in columns], norm["epsilon"])


def simple_rnn(x, h, c, w, u, b, p, norm, act, gate):
    return [act(dot(x, w, j) + dot(h, u, j) + b[j]) for j in range(len(h))], c


def lstm(x, h, c, w, u, b, p, norm, act, gate):
    units = len(h)
    xw = product(x, w, range(4 * units), norm, "kernel_gamma")
    hu = product(h, u, range(4 * units), norm, "recurrent_gamma")
    new_c, outputs = [], []
    for j in range(units):
        zi, zf, zg, zo = (xw[q * units + j] + hu[q * units + j] + b[q * units + j] for q in range(4))
        new_c.append(gate(zf + p[1][j] * c[j]) * c[j] + gate(zi + p[0][j] * c[j]) * act(zg))
        outputs.append(gate(zo + p[2][j] * new_c[j]))
    seen = new_c
    if norm is not None:
        seen = normalized(new_c, norm["cell_gamma"], norm["epsilon"])
        seen = [value + beta for value, beta in zip(seen, norm["cell_beta"], strict=True)]
    return [o * act(value) for o, value in zip(outputs, seen, strict=True)], new_c


def gru(x, h, c, w, u, b, p, norm, act, gate):
    units = len(h)
    xw = product(x, w, range(3 * units), norm, "kernel_gamma")
    hu = product(h, u, range(3 * units), norm, "recurrent_gamma")
    new_h = []
    for j in range(units):
        az, ar, an = (xw[q * units + j] + b[0][q * units + j] for q in range(3))
        uz, ur, un = (hu[q * units + j] + b[1][q * units + j] for q in range(3))
        z = gate(az + uz)
        new_h.append(z * h[j] + (1 - z) * act(an + gate(ar + ur) * un))
    return new_h, c


def gru_reset_before(x, h, c, w, u, b, p, norm, act, gate):
    units = len(h)
    xw = product(x, w, range(3 * units), norm, "kernel_gamma")
    hu = product(h, u, range(2 * units), norm, "recurrent_gamma")
    reset = [gate(xw[units + k] + hu[units + k] + b[units + k]) * h[k] for k in range(units)]
    candidate = product(reset, u, range(2 * units, 3 * units), norm, "recurrent_gamma")
    new_h = []
    for j in range(units):
        z = gate(xw[j] + hu[j] + b[j])
        new_h.append(z * h[j] + (1 - z) * act(xw[2 * units + j] + candidate[j] + b[2 * units + j]))
    return new_h, c


STEPS = {
    "simple_rnn": simple_rnn,
    "lstm": lstm,
    "lstm_peephole": lstm,
    "lstm_norm": lstm,
    "gru": gru,
    "gru_norm": gru,
    "gru_reset_before": gru_reset_before,
    "gru_reset_before_norm": gru_reset_before,
}


def run(kind, x, w, u, b, p, norm, states, mask, act, gate, go_backwards, zero_output):
    """All outputs of one row in the order of processing, and its last states [h, c]. x: (time, input), mask: (time).

    norm: None, or the weights of layer normalisation and its epsilon by name.
    """
    h, c = list(states[0]), list(states[-1])
    output, outputs = [0.0] * len(h), []
    times = range(len(x))
    for t in reversed(times) if go_backwards else times:
        if mask[t]:
            h, c = STEPS[kind](x[t], h, c, w, u, b, p, norm, ACTIVATIONS[act], ACTIVATIONS[gate])
            output = h
        elif zero_output:
            output = [0.0] * len(h)
        outputs.append(output)
    return outputs, [h, c]
