"""Outcomes as tables and as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict

from .referee import Outcome

_TRAIN_CAP = 4.0


def table(title: str, outcomes: list[Outcome], labels: list[str]) -> str:
    """Microseconds per call (median) of every seat, and the ratio by median and by best."""
    header = ["case", "mode", *labels, "ratio", "ratio of bests"]
    rows = []
    for outcome in outcomes:
        times = [f"{outcome.timings[label].median:.1f}" if label in outcome.timings else "-" for label in labels]
        ratios = [f"{outcome.ratio(statistic):.2f}" for statistic in ("median", "best")]
        rows.append([outcome.case.name, outcome.mode, *times, *ratios])
    return f"{title}\n{render(header, rows, left=2)}"


def render(header: list[str], rows: list[list[str]], left: int) -> str:
    """A Markdown table whose first `left` columns are text."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def line(cells: list[str]) -> str:
        padded = (
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = [("-" * width if column < left else "-" * (width - 1) + ":") for column, width in enumerate(widths)]
    return "\n".join([line(header), f"| {' | '.join(rule)} |", *(line(row) for row in rows)])


def geometric_mean(ratios: list[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def summary(outcomes: list[Outcome]) -> list[str]:
    """Geometric means per mode group, and the worst case. Ratios are of medians."""
    lines = []
    served = [outcome.ratio() for outcome in outcomes if outcome.mode != "train"]
    trained = [min(outcome.ratio(), _TRAIN_CAP) for outcome in outcomes if outcome.mode == "train"]
    if served:
        lines.append(f"geometric mean, infer and stream ({len(served)} cases): {geometric_mean(served):.3f}")
    if trained:
        lines.append(
            f"geometric mean, train, each capped at {_TRAIN_CAP:g} ({len(trained)} cases): "
            f"{geometric_mean(trained):.3f}"
        )
    if outcomes:
        worst = min(outcomes, key=Outcome.ratio)
        lines.append(f"worst case: {worst.case.name}, {worst.mode}: {worst.ratio():.3f}")
    return lines


def as_json(outcomes: list[Outcome]) -> list[dict]:
    return [
        {
            "case": outcome.case.name,
            "mode": outcome.mode,
            "leader": outcome.leader,
            "ratio": outcome.ratio(),
            "ratio_of_bests": outcome.ratio("best"),
            "microseconds": {label: asdict(timing) for label, timing in outcome.timings.items()},
        }
        for outcome in outcomes
    ]
