"""Numbers and words that people pass in, checked where they come in."""

import math
from collections.abc import Collection

from resnetzoo.errors import UsageError

MAX_SEED = 2**63 - 1


def check_whole_number(field: str, found: object, *, minimum: int = 1, maximum: int | None = None) -> None:
    """Refuse anything but an `int` from `minimum` to `maximum`; `True` is no number either.

    Raises:
        UsageError: says what the field takes and what was found.
    """
    whole = isinstance(found, int) and not isinstance(found, bool)
    if not whole or found < minimum or (maximum is not None and found > maximum):  # type: ignore[operator]
        bounds = f"from {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise UsageError(f"{field} must be a whole number {bounds}, not {found!r}")


def check_number(field: str, found: object, lowest: float, highest: float) -> None:
    """Refuse anything but a finite number from `lowest` to `highest`.

    Raises:
        UsageError: says what the field takes and what was found.
    """
    if not isinstance(found, int | float) or not (lowest <= found <= highest and math.isfinite(found)):
        bounds = f"{lowest} or more, and finite" if math.isinf(highest) else f"from {lowest} to {highest}"
        raise UsageError(f"{field} must be {bounds}, not {found!r}")


def check_choice(field: str, found: object, valid: Collection[str]) -> None:
    """Refuse anything but one of a few words.

    Raises:
        UsageError: lists them, and says what was found.
    """
    if found not in valid:
        said = f'"{found}"' if isinstance(found, str) else repr(found)
        raise UsageError(f"{field} must be one of {', '.join(valid)}, not {said}")


def check_seed(seed: object) -> None:
    """Refuse what torch or numpy would not take as a seed."""
    check_whole_number("seed", seed, minimum=0, maximum=MAX_SEED)
