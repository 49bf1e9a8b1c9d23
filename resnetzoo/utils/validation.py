"""Check the numbers and options that callers pass."""

import math
import sys
from collections.abc import Collection, Iterable
from numbers import Integral, Real
from types import UnionType
from typing import get_args

from resnetzoo.errors import UsageError
from resnetzoo.utils.text import brief, kind_of

MAX_SEED = 2**63 - 1
MAX_COUNT = 2**24


def check_whole_number(field: str, found: object, *, minimum: int = 1, maximum: int | None = None) -> None:
    """Refuse anything but an `int` from `minimum` to `maximum`; `True` does not count as a number.

    Raises:
        UsageError: the value is invalid; the message says what is valid and what was found.
    """
    _check_python(field, found, Integral)
    whole = isinstance(found, int) and not isinstance(found, bool)
    if not whole or found < minimum or (maximum is not None and found > maximum):  # type: ignore[operator]
        bounds = f"from {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise UsageError(f"{field} must be a whole number {bounds}, not {brief(found)}")


def check_count(field: str, found: object) -> None:
    """Refuse anything but an `int` from 1 that a network can be built of: torch has no names for larger sizes.

    Raises:
        UsageError: says what was found.
    """
    check_whole_number(field, found)
    if found > MAX_COUNT:  # type: ignore[operator]
        raise UsageError(f"{field} must be at most {MAX_COUNT:,}, not {brief(found)}")


def check_flag(field: str, found: object) -> None:
    """Refuse anything but `True` and `False`: any other value would count as one of them, and be stored as it is.

    Raises:
        UsageError: says what was found.
    """
    if not isinstance(found, bool):
        raise UsageError(f"{field} must be True or False, not {brief(found)}")


def check_optional_flag(field: str, found: object) -> None:
    """Refuse anything but `True`, `False` and `None`, which leaves the choice to the package.

    Raises:
        UsageError: says what was found.
    """
    if found is not None and not isinstance(found, bool):
        raise UsageError(f"{field} must be True, False or None, not {brief(found)}")


def check_real(field: str, found: object) -> None:
    """Refuse anything but an `int` or a `float`: such a value is stored, compared and printed as it is.

    Raises:
        UsageError: it is something else; the message says what was found.
    """
    _check_python(field, found, Real)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise UsageError(f"{field} must be a number, such as 0.1, not {brief(found)}")


def _check_python(field: str, found: object, kind: type) -> None:
    """Refuse a number of another library, such as numpy: it would be stored as it is, and JSON may not hold it."""
    if isinstance(found, kind) and not isinstance(found, int | float):
        wanted, call = ("an int", "int") if kind is Integral else ("an int or a float", "float")
        library, name = type(found).__module__, type(found).__qualname__
        raise UsageError(
            f"{field} must be {wanted} of Python, not {brief(found)} of the class {library}.{name}: write {call}(...)"
        )


def check_kind(field: str, found: object, kind: type | UnionType) -> None:
    """Refuse a value of another class.

    Raises:
        UsageError: the class is another; the message names the valid class and the one found.
    """
    if not isinstance(found, kind):
        wanted = [member.__name__ for member in get_args(kind) or (kind,)]
        other = type(found)  # numpy's `bool` has the name of Python's
        said = f"{other.__module__}.{other.__qualname__}" if other.__name__ in wanted else kind_of(found)
        raise UsageError(f"{field} must be of the class {' or '.join(wanted)}, not {said}")


def check_number(field: str, found: object, lowest: float, highest: float) -> None:
    """Refuse anything but a finite number from `lowest` to `highest`.

    Raises:
        UsageError: the value is invalid; the message says what is valid and what was found.
    """
    check_real(field, found)
    if not (lowest <= found <= highest and abs(found) <= sys.float_info.max):  # type: ignore[operator, arg-type]
        bounds = f"{lowest} or more, and finite" if math.isinf(highest) else f"from {lowest} to {highest}"
        raise UsageError(f"{field} must be {bounds}, not {brief(found)}")


def check_choice(field: str, found: object, valid: Collection[str]) -> None:
    """Refuse anything but one of a few words.

    Raises:
        UsageError: it is something else; the message lists the words, and says what was found.
    """
    if not isinstance(found, str) or found not in valid:
        said = f'"{found}"' if isinstance(found, str) else brief(found)
        raise UsageError(f"{field} must be one of {', '.join(valid)}, not {said}")


def check_names(field: str, found: object) -> tuple[str, ...]:
    """The names as a tuple of plain strings, which can be compared with other names and written as JSON.

    Raises:
        UsageError: `found` is not a collection of names, but for example one of numbers, or a single string.
    """
    names = tuple(found) if isinstance(found, Iterable) and not isinstance(found, str) else None
    if names is None or not all(isinstance(name, str) for name in names):
        raise UsageError(f'{field} must be the names of all classes, such as ("cat", "dog"), not {brief(found)}')
    return tuple(str(name) for name in names)  # those of numpy have a class of their own


def check_seed(seed: object) -> None:
    """Refuse a value that torch or numpy would not accept as a seed."""
    check_whole_number("seed", seed, minimum=0, maximum=MAX_SEED)
