"""Look up typed names among named rows."""

import difflib
from collections.abc import Collection, Mapping
from typing import TypeVar

from resnetzoo.errors import UsageError
from resnetzoo.utils.validation import check_kind

Row = TypeVar("Row")


def look_up(what: str, name: str, rows: Mapping[str, Row]) -> Row:
    """The row called `name`; `what` is the word for such a row in the message.

    Raises:
        UsageError: there is no such row; the message lists all names.
    """
    check_kind(what, name, str)
    if name not in rows:
        raise UsageError(f'unknown {what} "{name}"; known: {", ".join(rows)}')
    return rows[name]


def near_or_all(name: str, known: Collection[str]) -> str:
    """A hint for an unknown name: the nearest known names, or all names if none is near.

    >>> near_or_all("resent20", ["resnet20", "plainnet20"])
    'did you mean resnet20?'
    >>> near_or_all("vgg", ["resnet20", "plainnet20"])
    'known: resnet20, plainnet20'
    """
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
