"""JSON from an untrusted file, within limits of size and depth."""

from __future__ import annotations

import json
import re
from typing import Any

from rnnfast.formats.errors import ModelFileError

# A 100-layer model's config is about 100 KB and nests about 15 deep.
MAX_BYTES = 1 << 23
MAX_DEPTH = 64

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def parse_json(data: bytes, where: str) -> dict[str, Any]:
    """The JSON object in `data` (UTF-8).

    Args:
        data: the text; `MAX_BYTES` is for the caller to check before it reads.
        where: file and member, for errors.

    Raises:
        ModelFileError: not UTF-8, not JSON, nested deeper than `MAX_DEPTH`, or not an object.
    """
    try:
        text = data.decode("utf-8")
        # Depth first: a parser recurses, and what a deep text does to it depends on the Python version.
        depth = 0
        for match in _STRING_OR_BRACKET.finditer(text):
            token = match.group()
            if token in "[{":
                depth += 1
                if depth > MAX_DEPTH:
                    raise ValueError(f"nested deeper than {MAX_DEPTH}")
            elif token in "]}":
                depth -= 1
        value = json.loads(text)
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise ModelFileError(f"{where}: not the JSON that a .keras file holds: {error}") from error
    if not isinstance(value, dict):
        raise ModelFileError(f"{where}: expected a JSON object, got {type(value).__name__}")
    return value
