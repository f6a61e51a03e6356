"""Dtypes of inference, PyTorch's names for the precision of float32 products, and the weight format that they mean."""

from __future__ import annotations

from typing import Any

from rnnfast import _engine
from rnnfast._registry import unknown_name

PRECISIONS = ("highest", "high", "medium")
INFERENCE_DTYPES = ("float32", "float64", "bfloat16", "int8")
GOALS = ("latency", "throughput")

# The engine's formats of weights, and what products in them are.
WEIGHT_FORMATS = {
    "full": "in full precision",
    "bfloat16": "of bfloat16 weights and rounded inputs, summed in float32",
    "int8": "of int8 weights and inputs, one scale for each row and column, summed exactly",
    "bfloat16x2": "of float32 split into two bfloat16 parts",
    "bfloat16x3": "of float32 split into three bfloat16 parts",
}


def set_float32_matmul_precision(precision: str) -> None:
    """Say how exact the products of float32 models must be; PyTorch's function of this name.

    precision: "highest" (default): float32 throughout. "high": products of numbers split into two bfloat16 parts, an
    error of about 1e-5, where the machine does that faster (AMX); else as "highest". "medium": products of numbers
    rounded to bfloat16, with float32 sums, where the machine has instructions for it; else as "highest".

    Inference reads it when an `InferenceModel` is built, and when `predict` or `evaluate` builds its engine: models
    that are already built keep what they have. `InferenceModel.explain()` says what was chosen.

    Training reads it at every call: the products of recurrent, Dense and Conv1D layers and those of their gradients,
    where the weights are large enough to gain by it (32 in both directions, 4096 in all). Weights, gradients, states
    and what optimizers keep stay float32, and so do sums. Full precision stays for float64, for what dropout makes a
    product per gate of (`recurrent_dropout`, and `dropout` beside it or of a SimpleRNN), and for an LSTM's projection.
    At "highest" training rounds nothing.

    ValueError: another name.

    >>> import rnnfast
    >>> rnnfast.set_float32_matmul_precision("high")
    >>> rnnfast.get_float32_matmul_precision()
    'high'
    >>> rnnfast.set_float32_matmul_precision("highest")
    """
    if precision not in PRECISIONS:
        raise unknown_name("float32 matmul precision", precision, PRECISIONS)
    _engine.set_matmul_precision(PRECISIONS.index(precision))


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` set last, "highest" at first."""
    return PRECISIONS[_engine.get_matmul_precision()]


def training_formats() -> dict[str, str]:
    """What this machine's training multiplies large float32 weights in, one of WEIGHT_FORMATS, at each of PRECISIONS.

    Weights smaller than 4096 numbers, or than 32 in one direction, are multiplied in full precision.
    """
    return {name: _engine.training_format(place) for place, name in enumerate(PRECISIONS)}


def weight_format(dtype: str, optimize_for: str = "latency") -> tuple[str, str]:
    """The engine's weight format for a model of this dtype, and why.

    dtype: one of INFERENCE_DTYPES. optimize_for: one of GOALS.
    """
    if dtype in ("bfloat16", "int8"):
        return dtype, "asked for by dtype"
    if dtype == "float64":
        return "full", "float64"
    fast = _engine.fast_formats()
    precision = get_float32_matmul_precision()
    if precision == "medium" and "bfloat16" in fast:
        return "bfloat16", "float32 matmul precision 'medium'"
    if precision != "highest" and "bfloat16x2" in fast:
        return "bfloat16x2", f"float32 matmul precision {precision!r}"
    if optimize_for == "throughput" and "bfloat16x3" in fast:
        return "bfloat16x3", "optimize_for='throughput': three bfloat16 parts, as exact as float32"
    wanted = "" if precision == "highest" and optimize_for == "latency" else ": nothing on this machine is faster"
    return "full", f"float32{wanted}"


def check_goal(value: Any) -> str:
    """`value`, one of GOALS, or ValueError."""
    if value not in GOALS:
        raise unknown_name("optimize_for", value, GOALS)
    return value
