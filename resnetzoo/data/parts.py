"""The parts of a dataset that commands train on, parsed from their description in `Data.part`."""

import re
from typing import NamedTuple

_CUT = re.compile(
    r"first (?:(?P<train>[\d,]+) training)?(?: and )?(?:(?P<test>[\d,]+) test)? images(?:, of each class its share)?"
    r"|(?P<kept>[\d,]+)/(?P<held_out>[\d,]+) split of the training set \(seed 0\)"
)
TENTH = 10
"""`--val-split` holds out one training image in this many."""


class Cut(NamedTuple):
    """One step from what was loaded to a part of it.

    Attributes:
        train: number of training images that are kept; None for all.
        test: number of test images that are kept; None for all.
        held_out: number of training images that are held out, a tenth, in place of the test images; None for none.
    """

    train: int | None
    test: int | None
    held_out: int | None


def cuts_of(part: str, loaded: str = "") -> tuple[Cut, ...] | None:
    """The cuts that turn the part `loaded` into `part`, in their order; None if no command makes it like that."""
    if not part.startswith(loaded):
        return None
    rest, cuts = part.removeprefix(loaded).removeprefix(", "), []
    while rest:
        found = _CUT.match(rest)
        if found is None:
            return None
        train, test, kept, held_out = (int(word.replace(",", "")) if word else None for word in found.groups())
        if held_out is not None and held_out != (held_out + (kept or 0)) // TENTH:
            return None
        cuts.append(Cut(train, test, held_out))
        rest = rest[found.end() :].removeprefix(", ")
    return tuple(cuts)
