"""The demo's picture: how the model learned, and how it reads one scan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

INK, FAINT, TRAINING, HELD_OUT = "#1f2933", "#cbd2d9", "#9fb3c8", "#d64545"


def draw(path: Path, history: dict[str, list[float]], scan: np.ndarray, beliefs: np.ndarray, accuracy: float) -> None:
    """Write a PNG: loss and accuracy per epoch above; a scan (rows, pixels) and the belief (rows, digits) below."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure  # without pyplot: no window system, no state that outlives the call

    style = {
        "font.size": 10.5, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
        "axes.edgecolor": FAINT, "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
        "axes.titlesize": 11.5, "axes.titleweight": "bold", "axes.titlepad": 10,
    }  # fmt: skip
    with rc_context(style):
        canvas: Any = Figure(figsize=(11, 8.6), layout="constrained")
        canvas.get_layout_engine().set(w_pad=0.12, h_pad=0.12, hspace=0.06, wspace=0.06)
        canvas.suptitle(
            f"An LSTM learns to read handwritten digits, row by row: {accuracy:.1%} of unseen scans right",
            fontsize=14.5, fontweight="bold",
        )  # fmt: skip
        above, below = canvas.subfigures(2, 1, height_ratios=[1, 1.35])
        draw_history(above, history)
        draw_reading(below, scan, beliefs)
        canvas.savefig(path, dpi=150, facecolor="white")


def draw_history(part: Any, history: dict[str, list[float]]) -> None:
    left, right = part.subplots(1, 2)
    for axes, name, title in ((left, "loss", "Loss (logarithmic)"), (right, "accuracy", "Accuracy")):
        epochs = np.arange(1, len(history[name]) + 1)
        axes.plot(epochs, history[name], color=TRAINING, linewidth=2, label="training, with dropout")
        axes.plot(epochs, history[f"val_{name}"], color=HELD_OUT, linewidth=2, label="held out")
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.grid(color=FAINT, linewidth=0.6, alpha=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(length=0, which="both")
        axes.margins(x=0.02)
    left.set_yscale("log")
    left.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    right.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    right.legend(frameon=False, loc="lower right")


def draw_reading(part: Any, scan: np.ndarray, beliefs: np.ndarray) -> None:
    rows, digits = beliefs.shape
    left, right = part.subplots(1, 2, width_ratios=[scan.shape[1], 2 * digits])
    answer = int(beliefs[-1].argmax())

    left.imshow(scan, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    left.set_title("An unseen scan ...")
    left.set_xticks([])
    left.set_yticks(range(rows), [f"row {row + 1}" for row in range(rows)])

    right.imshow(beliefs, cmap="Blues", vmin=0, vmax=1.15, aspect="auto")
    right.set_title("... and the belief in each digit after every row")
    right.set_xticks(range(digits))
    right.set_yticks([])
    for row in range(rows):
        for digit in range(digits):
            belief = beliefs[row, digit]
            if belief >= 0.005:
                color = "white" if belief > 0.55 else INK
                right.text(digit, row, f"{belief:.0%}", ha="center", va="center", color=color, fontsize=9.5)
    label = right.get_xticklabels()[answer]
    label.set_color(HELD_OUT)
    label.set_fontweight("bold")

    for axes in (left, right):
        axes.hlines(np.arange(rows - 1) + 0.5, *axes.get_xlim(), color="white", linewidth=2.5)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
