"""A scan and what is believed of it, drawn with characters."""

from __future__ import annotations

import sys

import numpy as np

# Dark to light, for pixels, and low to high, for beliefs; the second pair is for terminals that cannot show the first.
SHADES, BARS = " ░▒▓█", " ▁▂▃▄▅▆▇█"
ASCII_SHADES, ASCII_BARS = " .+#@", " ..::++#@"


def print_reading(scan: np.ndarray, beliefs: np.ndarray) -> None:
    """Print a scan (rows, pixels) in [0, 1] and, beside each row, the belief (rows, digits) after reading it."""
    shades, bars = (SHADES, BARS) if can_show(SHADES + BARS) else (ASCII_SHADES, ASCII_BARS)
    indent = " " * (2 * scan.shape[1] + 4)
    print(indent + "  ".join(str(digit) for digit in range(beliefs.shape[1])))
    for row, belief in zip(scan, beliefs, strict=True):
        pixels = "".join(2 * level(shades, value) for value in row)
        columns = "  ".join(level(bars, value) for value in belief)
        print(f"  {pixels}  {columns}   {belief.argmax()} {belief.max():4.0%}")


def level(characters: str, value: float) -> str:
    """The character that stands for a value in [0, 1]."""
    return characters[round(float(value) * (len(characters) - 1))]


def can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
