"""JSON strictly as in RFC 8259, which every program can read."""

import json
import math
from typing import Any


def to_json(values: Any, *, indent: int | None = None) -> str:
    """The text of plain values; a number that is infinite or NaN, for which JSON has no word, becomes null."""
    return json.dumps(without_nonfinite(values), indent=indent, allow_nan=False)


def from_json(text: str | bytes) -> Any:
    """The values of a text.

    Raises:
        ValueError: it is no JSON, or lists and objects stand in each other too deeply to be read.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("its lists or objects are nested too deeply") from None


def without_nonfinite(values: Any) -> Any:
    """The same values, with None for numbers that are infinite or NaN."""
    if isinstance(values, float):
        return values if math.isfinite(values) else None
    if isinstance(values, dict):
        return {key: without_nonfinite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [without_nonfinite(value) for value in values]
    return values
