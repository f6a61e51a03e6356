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
    """Cases whose ratios are summed up in one figure, their geometric mean."""

    title: str
    has: Callable[[Case, str], bool]
    peer: str | None = None  # over this one instead of the best
    cap: float = math.inf  # of each ratio


GROUPS = (
    Group("infer and stream", lambda case, mode: mode != "train"),
    Group("infer and stream, batch 1", lambda case, mode: mode != "train" and case.batch == 1),
    Group("infer, batch 2 to 31", lambda case, mode: mode == "infer" and 2 <= case.batch < 32),
    Group("infer, batch 32 and above", lambda case, mode: mode == "infer" and case.batch >= 32),
    Group("batch 1, 512 units and wider", lambda case, mode: mode != "train" and case.batch == 1 and case.units >= 512),
    Group(
        "one streamed step, 128 units, over onnxruntime",
        lambda case, mode: mode == "stream" and (case.batch, case.layers, case.units) == (1, 1, 128),
        peer="onnxruntime",
    ),
    Group(f"train, each capped at {_TRAIN_CAP:g}", lambda case, mode: mode == "train", cap=_TRAIN_CAP),
)


def geometric_mean(ratios: Iterable[float]) -> float:
    logarithms = [math.log(ratio) for ratio in ratios]
    return math.exp(sum(logarithms) / len(logarithms))


def _mean_line(group: Group, outcomes: list[Outcome]) -> str | None:
    members = [o for o in outcomes if group.has(o.task, o.mode) and (group.peer is None or group.peer in o.timings)]
    if not members:
        return None
    ratios = [o.ratio() if group.peer is None else o.ratio_over(group.peer) for o in members]
    mean = geometric_mean(min(ratio, group.cap) for ratio in ratios)
    return f"geometric mean, {group.title} ({len(members)} case{'s' * (len(members) > 1)}): {mean:.3f}"


def _worst_line(title: str, outcomes: list[Outcome]) -> str | None:
    if not outcomes:
        return None
    worst = min(outcomes, key=Outcome.ratio)
    return f"worst case, {title}: {worst.task.name}, {worst.mode}: {worst.ratio():.3f}"


def summary(outcomes: list[Outcome], precision: str = "float32", l2_bytes: int | None = None) -> list[str]:
    """A line for each of GROUPS that has a case, and for the worst cases. Ratios are of medians.

    The worst case is asked for apart where the weights that every step walks through fit into the second-level cache
    of `l2_bytes`, and where they do not.
    """
    l2_bytes = l2_bytes or _DEFAULT_L2
    weight_bytes = PRECISIONS[precision].weight_bytes
    served = [o for o in outcomes if o.mode != "train"]
    near = [o for o in served if o.task.walked_weights(o.mode) * weight_bytes <= l2_bytes]
    lines = [_mean_line(group, outcomes) for group in GROUPS]
    lines += [
        _worst_line("weights fit L2", near),
        _worst_line("weights from L3", [o for o in served if o not in near]),
        _worst_line("train", [o for o in outcomes if o.mode == "train"]),
    ]
    return [line for line in lines if line is not None]
