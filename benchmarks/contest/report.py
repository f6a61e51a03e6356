"""Outcomes as tables and as JSON, and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from .case import Case
from .referee import Outcome, Timing


@dataclass(frozen=True)
class Section:
    """The outcomes of one kind of contest on one kind of terms."""

    kind: str  # "peers", "reference", "scaling"
    precision: str
    threads: int
    versions: dict[str, str]  # by label
    outcomes: list[Outcome]

    @property
    def labels(self) -> list[str]:
        return list(self.versions)


def table(outcomes: list[Outcome], labels: list[str]) -> str:
    """Microseconds per call (median) of every seat, and the ratio by median and by best."""
    header = ["case", "mode", *labels, "ratio", "ratio of bests"]
    rows = []
    for outcome in outcomes:
        times = [f"{outcome.timings[label].median:.1f}" if label in outcome.timings else "-" for label in labels]
        ratios = [f"{outcome.ratio(statistic):.2f}" for statistic in ("median", "best")]
        rows.append([outcome.task.name, outcome.mode, *times, *ratios])
    return render(header, rows, left=2)


def workload_table(rows: list[dict], labels: list[str]) -> str:
    """Rows of real_models.py: a figure of everybody, and of each peer how many times better rnnfast's is."""

    def cell(row: dict, label: str) -> str:
        if label not in row["values"]:
            return "-"
        value = f"{row['values'][label]:,.{row['digits']}f}"
        return f"{value} ({row['ratios'][label]:.2f})" if label in row["ratios"] else value

    texts = [[row["workload"], row["mode"], row["figure"], *(cell(row, label) for label in labels)] for row in rows]
    return render(["workload", "mode", "figure", *labels], texts, left=3)


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


def section_to_json(section: Section) -> dict:
    return {
        "kind": section.kind,
        "precision": section.precision,
        "threads": section.threads,
        "versions": section.versions,
        "rows": [
            {
                "case": asdict(outcome.task),
                "mode": outcome.mode,
                "leader": outcome.leader,
                "ratio": outcome.ratio(),
                "ratio_of_bests": outcome.ratio("best"),
                "microseconds": {label: asdict(timing) for label, timing in outcome.timings.items()},
            }
            for outcome in section.outcomes
        ],
    }


def section_from_json(entry: dict) -> Section:
    outcomes = [
        Outcome(
            Case(**{**row["case"], "modes": tuple(row["case"]["modes"])}),
            row["mode"],
            row["leader"],
            {label: Timing(**timing) for label, timing in row["microseconds"].items()},
        )
        for row in entry["rows"]
    ]
    return Section(entry["kind"], entry["precision"], entry["threads"], entry["versions"], outcomes)
