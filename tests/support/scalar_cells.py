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
}


def dot(vector, matrix, column):
    return sum(vector[k] * matrix[k][column] for k in range(len(vector)))


def simple_rnn(x, h, c, w, u, b, p, act, gate):
    return [act(dot(x, w, j) + dot(h, u, j) + b[j]) for j in range(len(h))], c


def lstm(x, h, c, w, u, b, p, act, gate):
    units = len(h)
    new_h, new_c = [], []
    for j in range(units):
        zi, zf, zg, zo = (dot(x, w, q * units + j) + dot(h, u, q * units + j) + b[q * units + j] for q in range(4))
        cell = gate(zf + p[1][j] * c[j]) * c[j] + gate(zi + p[0][j] * c[j]) * act(zg)
        new_c.append(cell)
        new_h.append(gate(zo + p[2][j] * cell) * act(cell))
    return new_h, new_c


def gru(x, h, c, w, u, b, p, act, gate):
    units = len(h)
    new_h = []
    for j in range(units):
        az, ar, an = (dot(x, w, q * units + j) + b[0][q * units + j] for q in range(3))
        uz, ur, un = (dot(h, u, q * units + j) + b[1][q * units + j] for q in range(3))
        z = gate(az + uz)
        new_h.append(z * h[j] + (1 - z) * act(an + gate(ar + ur) * un))
    return new_h, c


def gru_reset_before(x, h, c, w, u, b, p, act, gate):
    units = len(h)
    reset = [gate(dot(x, w, units + k) + dot(h, u, units + k) + b[units + k]) * h[k] for k in range(units)]
    new_h = []
    for j in range(units):
        z = gate(dot(x, w, j) + dot(h, u, j) + b[j])
        n = act(dot(x, w, 2 * units + j) + dot(reset, u, 2 * units + j) + b[2 * units + j])
        new_h.append(z * h[j] + (1 - z) * n)
    return new_h, c


STEPS = {
    "simple_rnn": simple_rnn,
    "lstm": lstm,
    "lstm_peephole": lstm,
    "gru": gru,
    "gru_reset_before": gru_reset_before,
}


def run(kind, x, w, u, b, p, states, mask, act, gate, go_backwards, zero_output):
    """All outputs of one row in the order of processing, and its last states [h, c]. x: (time, input), mask: (time)."""
    h, c = list(states[0]), list(states[-1])
    output, outputs = [0.0] * len(h), []
    times = range(len(x))
    for t in reversed(times) if go_backwards else times:
        if mask[t]:
            h, c = STEPS[kind](x[t], h, c, w, u, b, p, ACTIVATIONS[act], ACTIVATIONS[gate])
            output = h
        elif zero_output:
            output = [0.0] * len(h)
        outputs.append(output)
    return outputs, [h, c]
