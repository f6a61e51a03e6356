"""The large products of training: the packed kernels of the core beside BLAS (NumPy's), on one thread.

    python benchmarks/products.py

This is why training does not call BLAS where there are kernels of its own: rows are the shapes of the input projection
x W, of dX = dZ W^T and of dW = X^T dZ. A ratio above 1: the packed kernels are faster, packing included. Errors are
against float64, relative to the largest magnitude.
"""

import argparse
import os
import sys
import time

if os.environ.get("OMP_NUM_THREADS") != "1":  # BLAS reads its number of threads once, when NumPy loads it
    one = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **one})

import numpy as np

from rnnfast import _kernels

# rows (steps x batch), input, gates * units
SHAPES = [(100, 128, 512), (1536, 64, 256), (3200, 128, 512), (6400, 256, 1024), (1920, 1024, 4096)]


def products(rows, inputs, width, rng):
    """(name, arguments of matmul) of the three products of a layer."""
    shapes = (rows, inputs), (inputs, width), (rows, width)
    x, w, dz = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
    yield "x W", (x, w, False, False)
    yield "dZ W^T", (dz, w, False, True)
    yield "X^T dZ", (x, dz, True, False)


def packed(a, b, transpose_a, transpose_b):
    return _kernels.matmul(a, b, transpose_a=transpose_a, transpose_b=transpose_b)


def blas(a, b, transpose_a, transpose_b):
    return (a.T if transpose_a else a) @ (b.T if transpose_b else b)


def interleaved(sides, arguments, seconds):
    """Median seconds per call of each side, taking turns."""
    times = [[] for _ in sides]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        for side, samples in zip(sides, times, strict=True):
            start = time.perf_counter()
            side(*arguments)
            samples.append(time.perf_counter() - start)
    return [float(np.median(samples)) for samples in times]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.5, help="measuring time per product (default 0.5)")
    parser.add_argument("--small", action="store_true", help="the first shape only")
    options = parser.parse_args(argv)
    titles = ("product", "rows", "input", "width", "GFLOP/s", "BLAS", "ratio", "error", "BLAS")
    print("{:8} {:>6} {:>6} {:>6} {:>8} {:>8} {:>6} {:>9} {:>9}".format(*titles))
    for shape in SHAPES[: 1 if options.small else None]:
        for name, arguments in products(*shape, np.random.default_rng(0)):
            wanted = blas(*(a.astype(np.float64) if isinstance(a, np.ndarray) else a for a in arguments))
            errors = [np.abs(side(*arguments) - wanted).max() / np.abs(wanted).max() for side in (packed, blas)]
            ours, theirs = interleaved((packed, blas), arguments, options.seconds)
            work = 2e-9 * np.prod(shape, dtype=np.float64)
            print(
                f"{name:8} {shape[0]:6} {shape[1]:6} {shape[2]:6} {work / ours:8.0f} {work / theirs:8.0f} "
                f"{theirs / ours:6.2f} {errors[0]:9.1e} {errors[1]:9.1e}"
            )


if __name__ == "__main__":
    main()
