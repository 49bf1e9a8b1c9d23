"""Text for people: names in the order that they count in, and lines that every terminal prints."""

import re


def natural_order(name: str) -> list[tuple[int, str]]:
    """A key to sort by that counts: 20 before 110."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def printable(text: object) -> str:
    """The text as one line that every terminal prints: file names may hold line breaks, and bytes that are no text."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(text))
