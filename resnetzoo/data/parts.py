"""The parts of a dataset that commands train on, parsed from their description in `Data.part`."""

import re
from typing import NamedTuple

_WORDS = re.compile(
    r"(?:first (?P<first>[\d,]+) training images(?:, of each class its share)?)?(?:(?:^|, )"
    r"(?P<kept>[\d,]+)/(?P<held_out>[\d,]+) split of the training set \(seed 0\))?"
)
TENTH = 10
"""`--val-split` holds out one training image in this many."""


class Cuts(NamedTuple):
    """How a part was cut from what was loaded.

    Attributes:
        first: number of training images that are kept; None for all.
        held_out: number of these that are held out, a tenth; None for none.
    """

    first: int | None
    held_out: int | None

    @property
    def options(self) -> str:
        """The command-line options for it."""
        words = [] if self.first is None else [f"--max-train-images {self.first}"]
        return " ".join([*words, *(["--val-split"] if self.held_out else [])])

    @property
    def calls(self) -> str:
        """The Python expression for it."""
        first = "" if self.first is None else f".first({self.first})"
        return f"data{first}{f'.validation_split({self.held_out})' if self.held_out else ''}"


def cuts_of(part: str, loaded: str = "") -> Cuts | None:
    """The cuts that turn the part `loaded` into `part`; None if no options of a command do that."""
    if not part.startswith(loaded):
        return None
    found = _WORDS.fullmatch(part.removeprefix(loaded).removeprefix(", "))
    if found is None:
        return None
    first, kept, held_out = (int(word.replace(",", "")) if word else None for word in found.groups())
    if held_out is not None and held_out != (held_out + (kept or 0)) // TENTH:
        return None
    return Cuts(first, held_out)
