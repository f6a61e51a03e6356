"""Program: prints, as JSON, a digest of the bits that the forward kernels give, case by case.

Run under two instruction sets, it tells whether they agree.
"""

import hashlib
import json

import numpy as np
from kernel_check import kernel_forward
from rnn_cases import KINDS, make_layer, make_masks, normal

from rnnfast import _kernels, activations
from rnnfast.reference import ELEMENTWISE

# batch, time, inputs, units
SIZES = [(1, 20, 3, 17), (2, 5, 17, 64), (5, 4, 1, 1), (8, 3, 33, 100), (33, 6, 16, 31)]


def digest(*arrays) -> str:
    """Of the arrays' bytes; every NaN counts as the same."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.where(np.isnan(array), array.dtype.type(np.nan), array).tobytes())
    return total.hexdigest()


def recurrent(dtype, digests) -> None:
    for kind in KINDS:
        rng = np.random.default_rng(30)
        for batch, time, inputs, units in SIZES:
            layer = make_layer(kind, inputs, units, rng, dtype=dtype)
            x = normal(rng, (batch, time, inputs), dtype)
            options = {"initial_state": layer.random_states(rng, batch, dtype), "return_sequences": True}
            for mask in (None, make_masks(batch, time, rng)["gaps"]):
                output, states, _ = kernel_forward(layer, x, mask=mask, **options)
                masked = "masked" if mask is not None else "not masked"
                digests[f"{kind} {dtype} units={units} batch={batch} {masked}"] = digest(output, *states)
        layer = make_layer(kind, 3, 33, rng, dtype=dtype)
        x = normal(rng, (4, 3, 3), dtype)
        for name in ELEMENTWISE:
            output, _, _ = kernel_forward(layer, x, activation=name, recurrent_activation=name)
            digests[f"{kind} {dtype} {name}"] = digest(output)


def arrays(dtype, digests) -> None:
    rng = np.random.default_rng(31)
    x = np.concatenate([rng.uniform(-20, 20, 5000), rng.uniform(-1, 1, 5000), [np.inf, -np.inf, np.nan, 0.0, -0.0]])
    for name in ELEMENTWISE:
        digests[f"{name} {dtype}"] = digest(_kernels.activation_forward(activations.get(name), x.astype(dtype)))
    logits = normal(rng, (7, 33), dtype)
    for name in ("softmax", "log_softmax"):
        digests[f"{name} {dtype}"] = digest(_kernels.activation_forward(activations.get(name), logits))
    for m, k, n in ((1, 17, 33), (5, 100, 64), (33, 65, 129)):
        a, b, bias = normal(rng, (m, k), dtype), normal(rng, (k, n), dtype), normal(rng, n, dtype)
        digests[f"matmul {dtype} ({m}, {k}, {n})"] = digest(_kernels.matmul(a, b, bias=bias))


if __name__ == "__main__":
    found: dict[str, str] = {}
    for each in (np.dtype(np.float32), np.dtype(np.float64)):
        recurrent(each, found)
        arrays(each, found)
    print(json.dumps(found))
