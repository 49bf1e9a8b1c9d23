"""Doubts about a network that was inferred from names and shapes: the name of its file, the habits of its publisher."""

import re
from pathlib import Path
from typing import NamedTuple

from resnetzoo.models.spec import Family, ModelSpec
from resnetzoo.weights.checkpoint.infer_spec import describe, is_also_plain

# The word for the family, and the depth: neither a year nor the beginning of a longer number.
_NAME = re.compile(r"(plain|pre(?:[-_]?act(?:ivation)?)?[-_]?res|res)[-_]?net[-_]?((?!(?:19|20)\d\d)\d{1,4})(?!\d)")


class NameHint(NamedTuple):
    """The network that the name of a file suggests.

    Attributes:
        word: of the network, as it stands there: `pre-resnet`.
        family: that the word means.
        depth: in layers.
    """

    word: str
    family: Family
    depth: int


def hint_in_name(file: Path) -> NameHint | None:
    """What the name of a file or, failing that, of its folder says, as in `resnet-110/model_best.pth.tar`."""
    for name in (file.name, file.absolute().parent.name):
        if said := _NAME.search(name.lower()):
            kind = said[1]
            family: Family = "plain" if kind == "plain" else "residual" if kind == "res" else "preactivation"
            return NameHint(f"{kind}net", family, int(said[2]))
    return None


def load_warnings(spec: ModelSpec, mapping: str, file: Path | None, asked: Family | None) -> list[str]:
    """What the user should know about a network inferred from `file` through `mapping`, one sentence each.

    `asked` is the family that was asked for.
    """
    found = []
    hint = hint_in_name(file) if file else None
    if hint and hint.depth != spec.depth:
        found.append(f"the name says {hint.depth}, the weights are {describe(spec)}")
    if hint and hint.family != spec.family:
        cure = '; family="plain" loads them as that' if hint.family == "plain" and is_also_plain(spec) else ""
        found.append(f"the name says {hint.word}, the weights were loaded as {spec.label}{cure}")
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
    return found
