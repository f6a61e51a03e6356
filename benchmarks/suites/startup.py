"""What it costs to begin: the import, as whole processes."""

from __future__ import annotations


class Import:
    """Beside `import numpy`, which is most of it."""

    def timeraw_rnnfast(self) -> str:
        return "import rnnfast"

    def timeraw_numpy(self) -> str:
        return "import numpy"
