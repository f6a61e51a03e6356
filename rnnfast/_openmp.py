"""Loads the core, with a bound on how long OpenMP's threads spin.

GCC's OpenMP lets a thread that waits spin for some 10 ms before it sleeps. Where another program holds a core, the
thread that is waited for then cannot run for as long, in every parallel region: a training step that takes 0.6 ms on
one thread was measured at 40 ms on two. With this bound (about 40 microseconds) it takes 0.9 ms, and threads still are
awake from one region of a step to the next. The library reads its setting from the environment once, when it is loaded;
the environment is left as it was, and a setting of the user's own is respected.
"""

from __future__ import annotations

import os
from importlib import import_module

_SPIN_COUNT = "GOMP_SPINCOUNT"


def load_core() -> None:
    """Import rnnfast._engine, and with it OpenMP."""
    own_choice = any(name in os.environ for name in (_SPIN_COUNT, "OMP_WAIT_POLICY"))
    if not own_choice:
        os.environ[_SPIN_COUNT] = "1000"
    try:
        import_module("rnnfast._engine")
    except ImportError:
        pass  # RNNFAST_ISA asks for what is not there: told to the first who uses the core, who can say it well
    finally:
        if not own_choice:
            del os.environ[_SPIN_COUNT]
