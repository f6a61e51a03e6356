"""What a run comes to: geometric means over groups of cases, and the worst of each kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .case import Case
from .referee import Outcome
from .terms import PRECISIONS

_TRAIN_CAP = 4.0
_DEFAULT_L2 = 1 << 20  # where the system does not say how large the cache is


class Group(NamedTuple):
    """Cases whose ratios are summed up in one figure: their geometric mean, or the least of them."""

    title: str
    has: Callable[[Case, str], bool]
    peer: str | None = None  # over this one instead of the best
    cap: float = math.inf  # of each ratio, in the mean


def _served(case: Case, mode: str) -> bool:
    return mode != "train"


def _trained(case: Case, mode: str) -> bool:
    return mode == "train"


_MEANS = (
    Group("infer and stream", _served),
    Group("infer and stream, batch 1", lambda case, mode: mode != "train" and case.batch == 1),
    Group("infer, batch 2 to 31", lambda case, mode: mode == "infer" and 2 <= case.batch < 32),
    Group("infer, batch 32 and above", lambda case, mode: mode == "infer" and case.batch >= 32),
    Group("batch 1, 512 units and wider", lambda case, mode: mode != "train" and case.batch == 1 and case.units >= 512),
    Group(
        "one streamed step, 128 units, over onnxruntime",
        lambda case, mode: mode == "stream" and (case.batch, case.layers, case.units) == (1, 1, 128),
        peer="onnxruntime",
    ),
    Group(f"train, each capped at {_TRAIN_CAP:g}", _trained, cap=_TRAIN_CAP),
    Group(f"train over torch, each capped at {_TRAIN_CAP:g}", _trained, "torch", _TRAIN_CAP),
)


def geometric_mean(ratios: Iterable[float]) -> float:
    logarithms = [math.log(ratio) for ratio in ratios]
    return math.exp(sum(logarithms) / len(logarithms))


def fits_l2(case: Case, mode: str, precision: str, l2_bytes: int | None) -> bool:
    """Whether the weights that every time step needs again fit into a second-level cache of `l2_bytes`."""
    return case.walked_weights(mode) * PRECISIONS[precision].weight_bytes <= (l2_bytes or _DEFAULT_L2)


def _members(group: Group, outcomes: list[Outcome]) -> list[tuple[float, Outcome]]:
    """Ratio and outcome of each case of the group."""
    members = [o for o in outcomes if group.has(o.task, o.mode) and (group.peer is None or group.peer in o.timings)]
    return [(o.ratio() if group.peer is None else o.ratio_over(group.peer), o) for o in members]


def _mean_line(group: Group, outcomes: list[Outcome]) -> str | None:
    members = _members(group, outcomes)
    if not members:
        return None
    mean = geometric_mean(min(ratio, group.cap) for ratio, _ in members)
    return f"geometric mean, {group.title} ({len(members)} case{'s' * (len(members) > 1)}): {mean:.3f}"


def _worst_line(group: Group, outcomes: list[Outcome]) -> str | None:
    members = _members(group, outcomes)
    if not members:
        return None
    ratio, worst = min(members, key=lambda member: member[0])
    return f"worst case, {group.title}: {worst.task.name}, {worst.mode}: {ratio:.3f}"


def summary(outcomes: list[Outcome], precision: str = "float32", l2_bytes: int | None = None) -> list[str]:
    """A line for every group that has a case: geometric means, then the worst cases. Ratios are of medians.

    The worst case is asked for apart where the weights that every step walks through fit into the second-level cache
    of `l2_bytes`, and where they do not.
    """

    def near(case: Case, mode: str) -> bool:
        return fits_l2(case, mode, precision, l2_bytes)

    worst = (
        Group("weights fit L2", lambda case, mode: _served(case, mode) and near(case, mode)),
        Group("weights from L3", lambda case, mode: _served(case, mode) and not near(case, mode)),
        Group("train", _trained),
        Group("train over torch", _trained, "torch"),
    )
    lines = [_mean_line(group, outcomes) for group in _MEANS] + [_worst_line(group, outcomes) for group in worst]
    return [line for line in lines if line is not None]
