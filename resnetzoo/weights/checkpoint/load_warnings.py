"""Doubts about a network that was inferred from names and shapes: the name of its file, the habits of its publisher."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from resnetzoo.models.blocks.types import BLOCKS
from resnetzoo.models.spec import Family, ModelSpec
from resnetzoo.weights.checkpoint.foreign_name import foreign_architecture, loaded_all_the_same
from resnetzoo.weights.checkpoint.infer_spec import describe, is_also_plain
from resnetzoo.weights.checkpoint.network_name import NetworkName, parse_network_name

# The word for the family, and the depth: neither a year nor the beginning of a longer number.
_NAME = re.compile(
    r"(plain|pre(?:[-_]?act(?:ivation)?)?[-_]?res|res)[-_]?net[-_]?((?!(?:19|20)\d\d)\d{1,4})(?!\d)(x\d{1,2}(?![a-z\d]))?"
)
_OF_SERIES = re.compile(r"(wrn|wide[-_]?resnet|resnext)[-_]?\d{1,4}[-_x]\d{1,3}(?:x\d{1,3}d?)?(?!\d)")
_THREE_STAGES = " (three stages)"  # as in labels


class NameHint(NamedTuple):
    """The network that the name of a file suggests.

    Attributes:
        word: the word for the network, as it is in the name: `pre-resnet`.
        name: what that word means, with the numbers after it.
    """

    word: str
    name: NetworkName

    def __str__(self) -> str:
        return self.name.word if self.name.depth is None else f"{self.word} of {self.name.depth} layers"


def hint_in_name(file: Path) -> NameHint | None:
    """What the name of a file or, failing that, of its folder says, as in `resnet-110/model_best.pth.tar`."""
    return next((hint for name in _names(file) for hint in _hints(name)), None)


def _names(file: Path) -> tuple[str, str]:
    return file.name.lower(), file.absolute().parent.name.lower()


def _hints(text: str) -> Iterator[NameHint]:
    """The networks that a name mentions; for a student and its teacher there are two."""
    for said in _OF_SERIES.finditer(text):
        if name := parse_network_name(said[0]):
            yield NameHint(said[1], name)
    for said in _NAME.finditer(text):
        word = f"{said[1]}net"
        if name := parse_network_name(f"{word}{said[2]}{said[3] or ''}{_THREE_STAGES * (_THREE_STAGES in text)}"):
            yield NameHint(word, name)


def _foreign(file: Path) -> str | None:
    """The other architecture in the first of the names that says something; None if it has none."""
    said = next((name for name in _names(file) if foreign_architecture(name) or any(_hints(name))), "")
    return foreign_architecture(said)


def _name_warnings(spec: ModelSpec, file: Path, stated: bool) -> list[str]:
    if not stated and (foreign := _foreign(file)):
        return [f"the name says {foreign}, {loaded_all_the_same(spec)}"]
    texts = _names(file)
    hints = [hint for text in texts for hint in _hints(text)]
    labelled = "(" in spec.label and any(spec.label in text for text in texts)
    # One of several networks, such as a student and its teacher, is enough.
    if labelled or not hints or any(hint.name.family == spec.family and hint.name.fits(spec) for hint in hints):
        return []
    found, hint, name = [], hints[0], hints[0].name
    if name.depth not in (None, spec.depth):
        found.append(f"the name says {name.depth}, the weights are {describe(spec)}")
    if name.family != spec.family:
        cure = '; family="plain" loads them as that' if name.family == "plain" and is_also_plain(spec) else ""
        found.append(f"the name says {hint.word}, the weights were loaded as {spec.label}{cure}")
    if difference := name.difference(spec):
        found.append(f"the name says {name.word}, of {difference[0]}, the weights are of {difference[1]}")
    return found


def load_warnings(
    spec: ModelSpec, mapping: str, file: Path | None, asked: Family | None, *, stated: bool = False
) -> list[str]:
    """What the user should know about a network inferred from `file` through `mapping`, one sentence each.

    `asked` is the family that was asked for; `stated` is whether the file itself names a network.
    """
    found = _name_warnings(spec, file, stated) if file else []
    if mapping == "akamaster" and asked == "plain":
        found.append(
            "loaded as plain, as asked for, but the names are akamaster's, whose networks are residual: unless the "
            'shortcuts were taken out of that code, leave family="plain" out'
        )
    if mapping == "torchvision" and spec.norm_first and spec.shortcut != "identity":
        found.append(
            "a pre-activation network whose names leave open what its projections take: here the activated input of "
            "their block, as in the authors' code; in bearpaw's pytorch-classification, whose names are the same, the "
            "input itself. Weights of those are the network of dataclasses.replace(model.spec, "
            'projection_input="raw"), which resnetzoo.CifarNet builds and model.state_dict() fills'
        )
        if spec.block == BLOCKS[0]:
            found[-1] += "; those of meliketoy's wide-resnet.pytorch need strided_conv=2 as well"
    return found


def notes_on_strides(spec: ModelSpec, mapping: str) -> list[str]:
    """What the names of bottleneck networks leave open, where all published weights of these names agree."""
    if mapping != "torchvision" or spec.block == BLOCKS[0]:
        return []
    return [
        "its names leave open which convolution of a block halves height and width: here the second, as in "
        "torchvision's bottlenecks; weights of a network where it is the first need "
        "dataclasses.replace(model.spec, strided_conv=1)"
    ]
