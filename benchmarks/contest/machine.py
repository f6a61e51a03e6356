"""The machine that figures belong to."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def _model_name() -> str:
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _usable_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cache_bytes(level: int) -> int | None:
    """Size of a core's data cache of that level; None where the system does not say."""
    for folder in sorted(_CACHES.glob("index*")):
        kind, own_level, size = ((folder / name).read_text().strip() for name in ("type", "level", "size"))
        if own_level == str(level) and kind != "Instruction":
            return int(size[:-1]) * _UNITS[size[-1]] if size[-1] in _UNITS else int(size)
    return None


def describe() -> dict[str, object]:
    """Processor, usable CPUs, second-level cache in bytes, system, Python, and the date."""
    return {
        "processor": _model_name(),
        "cpus": _usable_cpus(),
        "l2_bytes": cache_bytes(2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
    }
