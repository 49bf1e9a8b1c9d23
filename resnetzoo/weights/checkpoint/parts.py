"""The networks in a file that holds several, and the one that a key selects."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from torch import Tensor

from resnetzoo.errors import CheckpointError, UsageError

DEEPEST = 5  # dictionaries inside each other; a pickle can hold one that contains itself
_STEM = re.compile(r"((?:.+\.)?)(conv1|conv_1_3x3|features\.init_block(?:\.conv)?)\.weight")
_FIRST_STAGE = {
    "conv1": ("layer1.", "block1.layer."),
    "conv_1_3x3": ("stage_1.",),
    "features": ("features.stage1.",),
}
_AVERAGE = re.compile(r"(?:^|[._])(?:ema|swa|avg|averaged?)(?:[._]|$)")
Step = str | int  # a key of a dictionary, or a place in a list


class Part(NamedTuple):
    """The place of a network's weights in a file.

    Attributes:
        way: the keys that lead to the weights, from the outside in.
        prefix: prefix of their names there, with its final point; empty if they have none.
        known: whether the names belong to a known layout.
    """

    way: tuple[Step, ...]
    prefix: str = ""
    known: bool = True

    @property
    def label(self) -> str:
        """The key that selects it, such as `state_dict.teacher`."""
        return ".".join((*map(str, self.way), self.prefix)).rstrip(".")


def is_weights(content: Mapping[object, object]) -> bool:
    """Whether a dictionary holds weights by name rather than only nested dictionaries."""
    return any(
        isinstance(key, str) and key.endswith(".weight") and isinstance(value, Tensor) for key, value in content.items()
    )


def network_prefixes(names: Iterable[str]) -> list[str]:
    """The prefix of each network's names: each has a first convolution and, beside it, a first stage."""
    known = list(names)
    found = []
    for name in known:
        if stem := _STEM.fullmatch(name):
            stages = tuple(stem[1] + stage for stage in _FIRST_STAGE[stem[2].split(".")[0]])
            if any(other.startswith(stages) for other in known):
                found.append(stem[1])
    return found


def is_average(label: str) -> bool:
    """Whether a name stands for weights that were averaged over the steps of a training."""
    return _AVERAGE.search(label) is not None


def find_parts(content: object) -> list[Part]:
    """Every network in a file, in its order; if none has known names, every dictionary that holds weights."""
    found = _find(content, (), set())
    return [part for part in found if part.known] or found


def _find(content: object, way: tuple[Step, ...], seen: set[int]) -> list[Part]:
    """`seen` holds the identities of visited dictionaries and lists, since they can contain each other."""
    found = []
    if isinstance(content, Mapping) and is_weights(content):
        prefixes = network_prefixes(key for key in content if isinstance(key, str))
        found = [Part(way, prefix) for prefix in prefixes] or [Part(way, known=False)]
    if id(content) in seen or len(way) > DEEPEST:
        return found
    seen.add(id(content))
    for step, value in _steps(content):
        found += _find(value, (*way, step), seen)
    return found


def _steps(content: object) -> list[tuple[Step, object]]:
    """The dictionaries and lists inside a dictionary or list, by key."""
    if isinstance(content, Mapping):
        entries = [(step, value) for step, value in content.items() if isinstance(step, str | int)]
    else:
        entries = list(enumerate(content)) if isinstance(content, list | tuple) else []
    return [(step, value) for step, value in entries if isinstance(value, Mapping | list | tuple)]


def listed(parts: Iterable[Part]) -> list[str]:
    """The keys to choose from: a dictionary's own if it has one network, otherwise also the prefixes in it."""
    found = list(parts)
    ways = [part.way for part in found]
    return [(part if ways.count(part.way) > 1 or not part.way else Part(part.way)).label for part in found]


def choices(keys: Iterable[str]) -> str:
    """A sentence that says what to type to select one of several networks."""
    found = list(keys)
    others = f", and likewise {', '.join(repr(key) for key in found[1:])}" if len(found) > 1 else ""
    return f'key="{found[0]}" takes it{others}'


def choose_part(content: object, key: str) -> Part:
    """The part that `key` selects: nested keys and a prefix of names, joined by dots, or the end of such a path.

    `teacher` means the names `teacher....` in `state_dict`, as `state_dict.teacher` does. An empty key means the names
    without a prefix. A key of an average selects that rather than the network that it was made of, if both are there.

    Raises:
        CheckpointError: the key selects no network or several; the message lists the networks in the file.
        UsageError: the key is not a string.
    """
    if not isinstance(key, str):
        raise UsageError(f'key is a text, such as key="state_dict_ema", not {key!r}')
    parts, wanted = find_parts(content), key.strip(".")
    found = {cut.label: cut for part in parts if (cut := _cut(part, wanted)) is not None}
    meant = found.get(wanted) or (next(iter(found.values())) if len(found) == 1 else None)
    if meant is not None:
        return _average_in(meant, parts) if is_average(wanted) else meant
    what = f'key="{key}" means several networks of it' if found else f'it has no network under key="{key}"'
    if not parts:
        raise CheckpointError(f"{what}, and none elsewhere")
    there = [label for label in (found or listed(parts)) if label]
    if not there:
        raise CheckpointError(f"{what}, but one without any key: leave it out")
    raise CheckpointError(f"{what}; it holds {', '.join(map(repr, there))}: {choices(there)}")


def _average_in(part: Part, parts: list[Part]) -> Part:
    """The only averaged network among several in `part`, or `part` itself."""
    inside = {one.label[len(part.label) :]: one for one in parts if f"{one.label}.".startswith(f"{part.label}.")}
    averages = [one for label, one in inside.items() if is_average(label)]
    return averages[0] if len(averages) == 1 and len(inside) > 1 else part


def weights_of(content: Mapping[object, object], part: Part) -> dict[str, object]:
    """The entries under the part's prefix in the dictionary that its keys lead to, without the prefix.

    For a network without a prefix, these are all entries except those of networks with one.
    """
    entries = {key: value for key, value in content.items() if isinstance(key, str)}
    if part.prefix:
        start = len(part.prefix)
        return {key[start:]: value for key, value in entries.items() if key.startswith(part.prefix)}
    others = tuple(prefix for prefix in network_prefixes(entries) if prefix)
    return {key: value for key, value in entries.items() if not key.startswith(others)} if others else entries


def _cut(part: Part, key: str) -> Part | None:
    """`part` cut off after `key` in its label; None if the label does not contain `key`."""
    if not key:
        return part if not part.prefix and not part.way else None
    at = f".{part.label}.".find(f".{key}.")
    if at < 0:
        return None
    label = part.label[: at + len(key)]
    ways = [part.way[:count] for count in range(1, len(part.way) + 1)]
    inside = next((way for way in ways if Part(way).label == label), None)
    if inside is not None:
        return Part(inside)
    start = f"{Part(part.way).label}." if part.way else ""
    return Part(part.way, f"{label.removeprefix(start)}.") if label.startswith(start) else None
