"""The networks that a file holds beside each other, and the one that a key means."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from torch import Tensor

from resnetzoo.errors import CheckpointError

DEEPEST = 5  # dictionaries inside each other; a pickle can hold one that holds itself
_STEM = re.compile(r"((?:.+\.)?)(conv1|features\.init_block(?:\.conv)?)\.weight")
_FIRST_STAGE = {"conv1": "layer1.", "features": "features.stage1."}


class Part(NamedTuple):
    """Where a network's weights are.

    Attributes:
        way: the keys to go into, from the outside in.
        prefix: of their names there, with its point; empty where they have none.
    """

    way: tuple[str, ...]
    prefix: str = ""

    @property
    def label(self) -> str:
        """The key that means it: `state_dict.teacher`."""
        return ".".join((*self.way, self.prefix)).rstrip(".")


def is_weights(content: Mapping[object, object]) -> bool:
    """Whether a dictionary holds weights by their names, and not dictionaries of them alone."""
    return any(
        isinstance(key, str) and key.endswith(".weight") and isinstance(value, Tensor) for key, value in content.items()
    )


def network_prefixes(names: Iterable[str]) -> list[str]:
    """What stands before the names of each network: a first convolution, and a first stage beside it."""
    known = list(names)
    found = []
    for name in known:
        if stem := _STEM.fullmatch(name):
            stage = stem[1] + _FIRST_STAGE[stem[2].split(".")[0]]
            if any(other.startswith(stage) for other in known):
                found.append(stem[1])
    return found


def find_parts(content: object, way: tuple[str, ...] = ()) -> list[Part]:
    """Every network in what a file holds, in its order."""
    if not isinstance(content, Mapping) or len(way) > DEEPEST:
        return []
    found = []
    if is_weights(content):
        names = [key for key in content if isinstance(key, str)]
        found = [Part(way, prefix) for prefix in network_prefixes(names) or [""]]
    for key, value in content.items():
        if isinstance(key, str):
            found += find_parts(value, (*way, key))
    return found


def listed(parts: Iterable[Part]) -> list[str]:
    """The keys to choose from: of a dictionary with one network its own, of others the prefixes in them too."""
    found = list(parts)
    ways = [part.way for part in found]
    return [(part if ways.count(part.way) > 1 or not part.way else Part(part.way)).label for part in found]


def choices(keys: Iterable[str]) -> str:
    """What to type to take one of several networks, in words."""
    found = list(keys)
    others = f", and likewise {', '.join(repr(key) for key in found[1:])}" if len(found) > 1 else ""
    return f'key="{found[0]}" takes it (--key {found[0] or repr("")} on the command line){others}'


def choose_part(content: object, key: str) -> Part:
    """The part that `key` means: keys to go into and a prefix of names, with points between them; or the end of that.

    `teacher` means the names `teacher....` in `state_dict`, as `state_dict.teacher` does. An empty key means the names
    without a prefix.

    Raises:
        CheckpointError: none or several; the message lists what there is.
    """
    parts, wanted = find_parts(content), key.strip(".")
    found = {cut.label: cut for part in parts if (cut := _cut(part, wanted)) is not None}
    if wanted in found:
        return found[wanted]
    if len(found) == 1:
        return next(iter(found.values()))
    what = f'key="{key}" means several networks of it' if found else f'it has no network under key="{key}"'
    there = [label for label in (found or listed(parts)) if label]
    if not there:
        raise CheckpointError(f"{what}, but {'one' if parts else 'none'} without any key: leave key out")
    raise CheckpointError(f"{what}; it holds {', '.join(map(repr, there))}: {choices(there)}")


def weights_of(content: Mapping[object, object], part: Part) -> dict[str, object]:
    """What is under the part's prefix in the dictionary at the end of its way, without the prefix.

    Of a network without a prefix, everything but those with one.
    """
    entries = {key: value for key, value in content.items() if isinstance(key, str)}
    if part.prefix:
        start = len(part.prefix)
        return {key[start:]: value for key, value in entries.items() if key.startswith(part.prefix)}
    others = tuple(prefix for prefix in network_prefixes(entries) if prefix)
    return {key: value for key, value in entries.items() if not key.startswith(others)} if others else entries


def _cut(part: Part, key: str) -> Part | None:
    """`part` as far as to the end of `key` in its label; None if it is not in there."""
    if not key:
        return part if not part.prefix and not part.way else None
    at = f".{part.label}.".find(f".{key}.")
    if at < 0:
        return None
    label = part.label[: at + len(key)]
    ways = [part.way[:count] for count in range(1, len(part.way) + 1)]
    inside = next((way for way in ways if ".".join(way) == label), None)
    if inside is not None:
        return Part(inside)
    start = ".".join((*part.way, ""))
    return Part(part.way, f"{label.removeprefix(start)}.") if label.startswith(start) else None
