"""The table that `summary` prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rnnfast import _arguments

HEADINGS = ("Layer (type)", "Output Shape", "Param #")
SHARES = (0.52, 0.80, 1.0)  # where Keras ends its columns
SHARES_OF_GRAPHS = (0.36, 0.62, 0.74, 1.0)


def summary(model: Any, line_length: int | None, print_fn: Callable[[str], Any] | None, show_trainable: bool) -> None:
    """Print a line per layer: its output shape, number of parameters, in a graph what it reads; and the totals."""
    rows = [_row(layer, shape) for layer, shape in zip(model.layers, model.output_shapes(), strict=True)]
    headings: tuple[str, ...] = HEADINGS
    connections = model.connections()
    shares: tuple[float, ...] = SHARES
    if connections is not None:
        headings, shares = (*HEADINGS, "Connected to"), SHARES_OF_GRAPHS
        rows = [(*row, sources) for row, sources in zip(rows, connections, strict=True)]
    if show_trainable:
        headings = (*headings, "Trainable")
        rows = [(*row, "Y" if layer.trainable else "N") for row, layer in zip(rows, model.layers, strict=True)]
    width = 73 if line_length is None else _arguments.whole_number("summary: line_length", line_length)
    table = _table(headings, rows, width, shares)
    trainable = sum(v.size for v in model.trainable_weights)
    frozen = sum(v.size for v in model.non_trainable_weights)
    text = [f'Model: "{model.name}"', *table]
    for title, count, weights in (
        ("Total params", trainable + frozen, model.weights),
        ("Trainable params", trainable, model.trainable_weights),
        ("Non-trainable params", frozen, model.non_trainable_weights),
    ):
        text.append(f" {title}: {count:,} ({_bytes(sum(v.size * v.dtype.itemsize for v in weights))})")
    (print_fn or print)("\n".join(text))


def _row(layer: Any, shape: Any) -> tuple[str, ...]:
    count = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
    return f"{layer.name} ({type(layer).__name__})", "?" if shape is None else str(shape), count


def _table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], line_length: int, shares: Sequence[float]
) -> list[str]:
    ends = [int(share * line_length) for share in shares] + [line_length + 10] * (len(headings) - len(shares))
    starts = [0, *ends[:-1]]
    widths = [
        max(end - start - 3, *(len(row[i]) for row in (headings, *rows)))
        for i, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]

    def rule(left: str, line: str, middle: str, right: str) -> str:
        return left + middle.join(line * (w + 2) for w in widths) + right

    def cells(edge: str, values: Sequence[str]) -> str:
        parts = [v.rjust(w) if i == 2 else v.ljust(w) for i, (v, w) in enumerate(zip(values, widths, strict=True))]
        return f"{edge} " + f" {edge} ".join(parts) + f" {edge}"

    lines = [rule("┏", "━", "┳", "┓"), cells("┃", headings), rule("┡", "━", "╇", "┩")]
    for i, row in enumerate(rows):
        if i:
            lines.append(rule("├", "─", "┼", "┤"))
        lines.append(cells("│", row))
    return [*lines, rule("└", "─", "┴", "┘")]


def _bytes(count: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            break
        count /= 1024
    return f"{count:.2f} {unit}"
