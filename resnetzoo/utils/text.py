"""Text for people: names in natural order, and lines that every terminal can print."""

import re
from collections.abc import Sequence

from resnetzoo.errors import ResnetzooError

MOST_DIGITS = 19
"""The most digits of a whole number in a text: as many as the largest seed has. Python refuses more than 4,300."""


def whole_number_in(text: str) -> int | None:
    """The non-negative whole number that a text is; None for any other text, or for more than `MOST_DIGITS` digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else None


def natural_order(name: str) -> list[tuple[int, str]]:
    """A sort key for natural order: 20 before 110, and words before numbers."""
    return [_place(part) for part in re.split(r"(\d+)", name)]


def _place(part: str) -> tuple[int, str]:
    if not part.isdecimal():
        return -1, part
    return (int(part), "") if len(part) <= MOST_DIGITS else (10**MOST_DIGITS, part)


def first_line(error: Exception) -> str:
    """The first line of an error whose text may fill pages, with the next line if the first only introduces it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])


def reason_of(error: Exception) -> str:
    """Why a run failed: the message of an error of this package, or the class and first line of any other error."""
    return str(error) if isinstance(error, ResnetzooError) else f"{type(error).__name__}: {first_line(error)}"


def counted(count: int, noun: str) -> str:
    """The count and the noun, in the plural unless the count is 1.

    >>> counted(1, "epoch"), counted(2_000, "epoch"), counted(10, "class")
    ('1 epoch', '2,000 epochs', '10 classes')
    """
    return f"{count:,} {noun}{'' if count == 1 else 'es' if noun.endswith('s') else 's'}"


def device_words(device: str) -> str:
    """A device as records name it, with correct grammar, since records say `1 threads`.

    >>> device_words("CPU AVX512, 1 threads")
    'CPU AVX512, 1 thread'
    """
    return device.replace(" 1 threads", " 1 thread")


def printable(text: object) -> str:
    """The text as one line that every terminal can print; file names may contain line breaks and undecodable bytes."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(text))


def encodable(text: str) -> str:
    """The text without the undecodable bytes of file names, which no file in UTF-8 can hold; its lines stay."""
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)


def kind_of(value: object) -> str:
    """The kind of a value with its article: `a list`, `an ImageSet`; for None the word itself."""
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'AEIOUaeio' else 'a'} {name}"


def brief(value: object) -> str:
    """The `repr` of a value for a message: its first line, shortened; that of a network may fill pages."""
    try:
        line, *more = repr(value).splitlines() or [""]
    except ValueError:  # Python does not write numbers of more than 4,300 digits
        return f"{kind_of(value)} with thousands of digits"
    return line if len(line) <= 80 and not more else f"{line[:80].rstrip()}..."


def shortened(text: str, length: int) -> str:
    """The text without its middle, if it is longer."""
    if len(text) <= length:
        return text
    kept = length - 3
    return f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"


def short_fingerprint(fingerprint: str) -> str:
    """The first 12 hexadecimal digits of a fingerprint, after its version if it has one.

    >>> short_fingerprint("v2:99dbc7829b0c51a3")
    'v2:99dbc7829b0c'
    """
    version, colon, digits = fingerprint.rpartition(":")
    return f"{version}{colon}{digits[:12]}"


def some(names: Sequence[str], most: int = 5) -> str:
    """The names in one line, shortened to the first few if there are many: `a, b, c, d, e, ... (100)`."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown}, ... ({len(names)})"
