"""What it costs to begin: imports, as whole processes."""

from __future__ import annotations


class Import:
    """`import rnnfast` loads its parts on first use, NumPy among them: so both are measured, and NumPy beside them."""

    def timeraw_rnnfast(self) -> str:
        return "import rnnfast"

    def timeraw_rnnfast_in_use(self) -> str:
        return "import rnnfast; rnnfast.Sequential, rnnfast.InferenceModel, rnnfast.layers.LSTM"

    def timeraw_numpy(self) -> str:
        return "import numpy"
