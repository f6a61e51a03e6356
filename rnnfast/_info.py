"""The facts that `rnnfast info` prints: the machine, and what of it is used."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any

import rnnfast
from rnnfast import _blas
from rnnfast.precision import WEIGHT_FORMATS, training_formats

# Bits of the vectors that each set of kernels works in.
VECTOR_BITS = {"amx": 512, "avx512": 512, "avx2": 256, "neon": 128, "generic": 128}


def facts() -> dict[str, Any]:
    """Everything as a dictionary that JSON can hold."""
    cpu = rnnfast.cpu_info()
    return {
        "rnnfast": rnnfast.__version__,
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
        "platform": platform.platform(),
        "cpu": {key: cpu[key] for key in ("brand", "vendor", "cores", "features", "caches")},
        "kernels": {
            "chosen": cpu["isa"],
            "source": "RNNFAST_ISA" if cpu["isa_forced"] else "the best of those available",
            "available": cpu["available"],
            "vector_bits": VECTOR_BITS[cpu["isa"]],
        },
        "training": training_formats(),
        "threads": {"count": cpu["threads"], "source": thread_source(cpu["threads"], cpu["cores"])},
        "blas": _blas.info(),
    }


def thread_source(count: int, cores: int) -> str:
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.split(",")[0] == str(count):
        return f"OMP_NUM_THREADS={asked}"
    if count == cores:
        return "all processors of the machine"
    return "what affinity, cgroup limits and OpenMP leave to this process"


def describe(facts: dict[str, Any]) -> str:
    """`facts` as a table of two columns."""
    cpu, kernels, threads, blas = (facts[name] for name in ("cpu", "kernels", "threads", "blas"))
    bits = kernels["vector_bits"]
    rows = {
        "rnnfast": facts["rnnfast"],
        "python": f"{facts['python']}, NumPy {facts['numpy']}, SciPy {facts['scipy']}",
        "system": facts["platform"],
        "processor": f"{cpu['brand'] or 'unknown'} ({cpu['cores']} logical processors)",
        "features": " ".join(cpu["features"]) or "none beyond the baseline",
        "caches": ", ".join(f"{name} {size_text(size)}" for name, size in cpu["caches"].items()),
        "kernels": f"{kernels['chosen']}: {kernels['source']} ({', '.join(kernels['available'])})",
        "vectors": f"{bits} bits: {bits // 32} float32 or {bits // 64} float64",
        "training": "products " + ", ".join(f"{WEIGHT_FORMATS[f]} at {p!r}" for p, f in facts["training"].items()),
        "threads": f"{threads['count']}: {threads['source']}",
        "BLAS": f"{blas['library'] or 'unknown'}: {blas['config'] or 'it does not say more'}",
    }
    return "\n".join(f"{name:<10} {text}" for name, text in rows.items())


def size_text(size: int) -> str:
    """Bytes as a person would say it; 0 means unknown."""
    if size == 0:
        return "unknown"
    return f"{size // 2**20} MB" if size % 2**20 == 0 else f"{size // 2**10} KB"
