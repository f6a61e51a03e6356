"""Interpreters of their own, for tests of what a whole process does."""

import os
import subprocess
import sys


def run_python(code, **environment):
    """A fresh interpreter's (exit status, output, errors)."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=300
    )
    return done.returncode, done.stdout.strip(), done.stderr
