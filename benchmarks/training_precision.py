"""What `set_float32_matmul_precision` gains in training: one step of recurrent layers at every precision, one thread.

    python benchmarks/training_precision.py

A row is a layer's forward and backward pass over a batch: microseconds at "highest" (the best of many, the precisions
taking turns), and for each other precision how much faster it is, and by how much of its norm the gradient of the
recurrent kernel moves. What this machine multiplies in full precision is left out.
"""

import argparse
import time

import numpy as np

import rnnfast
from rnnfast import _kernels, activations
from rnnfast.precision import training_formats

# cell, batch, steps, input, units
SHAPES = [
    ("lstm", 8, 50, 64, 64),
    ("lstm", 32, 50, 128, 128),
    ("gru", 32, 50, 128, 128),
    ("lstm", 64, 30, 256, 256),
    ("lstm", 32, 20, 512, 512),
]
GATES = {"lstm": 4, "gru": 3}


def training_step(cell, batch, steps, inputs, units, rng):
    """A function that runs forward and backward and gives the gradient of the recurrent kernel."""
    width = GATES[cell] * units
    x, dy = (rng.standard_normal((batch, steps, size), np.float32) for size in (inputs, units))
    kernel, recurrent = (rng.standard_normal((n, width), np.float32) / np.float32(n**0.5) for n in (inputs, units))
    bias = np.zeros((2, width) if cell == "gru" else width, np.float32)
    gates = {"activation": activations.get("tanh"), "recurrent_activation": activations.get("sigmoid")}

    def step():
        options = {"return_sequences": True, "training": True, **gates}
        cache = _kernels.rnn_forward(cell, x, kernel, recurrent, bias, None, **options)[2]
        return _kernels.rnn_backward(cache, dy)[2]

    return step


def best_seconds(step, precisions, seconds):
    """{precision: the quickest of its runs}; they take turns."""
    best = dict.fromkeys(precisions, float("inf"))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or float("inf") in best.values():
        for precision in precisions:
            rnnfast.set_float32_matmul_precision(precision)
            start = time.perf_counter()
            step()
            best[precision] = min(best[precision], time.perf_counter() - start)
    return best


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="measuring time per layer (default 2)")
    parser.add_argument("--small", action="store_true", help="the first layer only")
    options = parser.parse_args(argv)
    rnnfast.set_num_threads(1)
    kept = rnnfast.get_float32_matmul_precision()
    formats = training_formats()
    print("; ".join(f"{precision}: {kept_in}" for precision, kept_in in formats.items()))
    precisions = [precision for precision in formats if precision == "highest" or formats[precision] != "full"]
    for cell, *sizes in SHAPES[: 1 if options.small else None]:
        step = training_step(cell, *sizes, np.random.default_rng(0))
        gradients = {}
        for precision in precisions:
            rnnfast.set_float32_matmul_precision(precision)
            gradients[precision] = step()
        best = best_seconds(step, precisions, options.seconds)
        exact = gradients["highest"]
        text = "{:5} {:3} rows, {:3} steps, {:3} -> {:3}: {:8.0f} us".format(cell, *sizes, best["highest"] * 1e6)
        for precision in precisions[1:]:
            moved = np.linalg.norm(gradients[precision] - exact) / np.linalg.norm(exact)
            text += f"; {precision} {best['highest'] / best[precision]:.2f} times as fast, off by {moved:.1e}"
        print(text)
    rnnfast.set_float32_matmul_precision(kept)
    rnnfast.set_num_threads(None)


if __name__ == "__main__":
    main()
