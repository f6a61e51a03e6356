"""Writes docs/performance.md and its figure from what versus.py and real_models.py have measured.

    python benchmarks/versus.py --threads 1 2 --precision float32 high bfloat16 int8 \\
        --json benchmarks/results/versus.json
    python benchmarks/real_models.py --data FOLDER --json benchmarks/results/models.json
    python benchmarks/performance.py benchmarks/results/*.json

Several files on the same terms (a few cases in each) are joined; of a case that is in two, the later one counts. All
must be from one machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from contest.report import Section, section_from_json, table, workload_table
from contest.summary import summary

_PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
_COLORS = {"infer": "#1f77b4", "stream": "#2ca02c", "train": "#d62728"}
_TITLES = {"peers": "Against peers", "reference": "Against the NumPy reference", "scaling": "More threads against one"}
_MACHINE = ("processor", "cpus")  # what files must have in common


def _read(files: list[Path]) -> tuple[list[dict], list[Section], list[dict]]:
    """The machine of each file, sections, and workload sections; ValueError for files of different machines."""
    found = [json.loads(file.read_text()) for file in files]
    machines = [each["machine"] for each in found]
    for file, machine in zip(files, machines, strict=True):
        for key in _MACHINE:
            if machine[key] != machines[0][key]:
                raise ValueError(f"{file}: {key} is {machine[key]}, expected {machines[0][key]} as in {files[0]}")
    sections: dict[tuple, Section] = {}
    workloads: dict[int, dict] = {}
    for each in found:
        for section in map(section_from_json, each.get("sections", [])):
            key = (section.kind, section.precision, section.threads)
            sections[key] = _joined(sections[key], section) if key in sections else section
        for later in each.get("workloads", []):
            earlier = workloads.get(later["threads"], {"versions": {}, "rows": []})
            names = {(row["workload"], row["mode"]) for row in later["rows"]}
            kept = [row for row in earlier["rows"] if (row["workload"], row["mode"]) not in names]
            versions = {**earlier["versions"], **later["versions"]}
            workloads[later["threads"]] = {**later, "versions": versions, "rows": kept + later["rows"]}
    return machines, list(sections.values()), list(workloads.values())


def _joined(earlier: Section, later: Section) -> Section:
    outcomes = {(o.task.name, o.mode): o for o in (*earlier.outcomes, *later.outcomes)}
    versions = {**earlier.versions, **later.versions}
    return Section(later.kind, later.precision, later.threads, versions, list(outcomes.values()))


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{label} {version}" for label, version in versions.items())


def _section_text(section: Section, l2_bytes: int | None) -> str:
    title = f"## {_TITLES[section.kind]}: {section.precision}, {_threads(section.threads)}"
    about = f"{_versions(section.versions)}. Microseconds per call, median."
    parts = [title, about, table(section.outcomes, section.labels)]
    if section.kind == "peers":
        parts.append("\n".join(f"- {line}" for line in summary(section.outcomes, section.precision, l2_bytes)))
    return "\n\n".join(parts)


def _workloads_text(section: dict) -> str:
    about = dict.fromkeys(f"- {row['workload']}, {row['mode']}: {row['about']}" for row in section["rows"])
    return "\n\n".join(
        [
            f"## Whole models: float32, {_threads(section['threads'])}",
            f"{_versions(section['versions'])}. Behind a peer's figure: how many times better rnnfast's is.",
            "\n".join(about),
            workload_table(section["rows"], list(section["versions"])),
        ]
    )


def _page(machines: list[dict], sections: list[Section], workloads: list[dict], figure: str) -> str:
    machine = machines[0]
    cache = f", {machine['l2_bytes'] / 2**20:g} MB of second-level cache" if machine["l2_bytes"] else ""
    dates = " to ".join(sorted({min(each["date"] for each in machines), max(each["date"] for each in machines)}))
    head = [
        "# Performance",
        "Written by `benchmarks/performance.py` from measurements of `versus.py` and `real_models.py`;\n"
        "[Benchmarks](benchmarks.md) says how they are taken and how to repeat them.",
        f"Measured on {dates}: {machine['processor']}, {machine['cpus']} CPUs{cache}; {machine['system']}, "
        f"Python {machine['python']}.",
        "A ratio is the best peer's time over rnnfast's: above 1, rnnfast is faster. Figures compare within a table.",
    ]
    if any(section.kind == "peers" for section in sections):
        head.append(f"![Ratios of every case]({figure})")
    texts = [_section_text(section, machine["l2_bytes"]) for section in sections]
    return "\n\n".join([*head, *texts, *map(_workloads_text, workloads)]) + "\n"


def _draw(sections: list[Section], file: Path) -> None:
    """A panel for each table against peers, a bar for each case."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    longest = max(len(section.outcomes) for section in sections)
    size = (1.5 + 3.2 * len(sections), 1.2 + 0.2 * longest)
    figure, panels = pyplot.subplots(1, len(sections), figsize=size, squeeze=False, layout="constrained")
    for panel, section in zip(panels[0], sections, strict=True):
        names = [f"{outcome.task.name}, {outcome.mode}" for outcome in section.outcomes]
        colors = [_COLORS[outcome.mode] for outcome in section.outcomes]
        panel.barh(names, [outcome.ratio() for outcome in section.outcomes], color=colors)
        panel.axvline(1, color="black", linewidth=1)
        panel.invert_yaxis()
        panel.tick_params(labelsize=7)
        panel.set_title(f"{section.precision}, {_threads(section.threads)}", fontsize=9)
        panel.set_xlabel("best peer's time / rnnfast's", fontsize=8)
    figure.savefig(file, dpi=80)
    pyplot.close(figure)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="written by --json")
    parser.add_argument("--page", type=Path, default=_PAGE, help="page to write; the figure goes beside it, as .png")
    options = parser.parse_args()
    try:
        machines, sections, workloads = _read(options.files)
    except ValueError as error:
        print(f"performance.py: {error}", file=sys.stderr)
        return 1
    sections = [section for section in sections if section.outcomes]
    figure = options.page.with_suffix(".png")
    if drawn := [section for section in sections if section.kind == "peers"]:
        _draw(drawn, figure)
    options.page.write_text(_page(machines, sections, workloads, figure.name))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
