"""Whose names the weights have, as literal tables from their names to ours."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from resnetzoo.errors import CheckpointError


@dataclass(frozen=True)
class KeyMapping:
    """How the names of one implementation become ours.

    Attributes:
        name: of the implementation.
        marks: patterns that are all found among its names.
        renames: patterns of its names and what stands there in ours; a name that none matches stays as it is.
        first_block: the number of a stage's first block.
    """

    name: str
    marks: tuple[str, ...]
    renames: tuple[tuple[str, str], ...] = ()
    first_block: int = 0


# Tried in this order. Read at: github.com/osmr/pytorchcv 7f31dc8, github.com/akamaster/pytorch_resnet_cifar10 d5489e8;
# torchvision's names are also those of chenyaofo/pytorch-cifar-models 786c162, bearpaw/pytorch-classification 24f1c45
# and this package.
KEY_MAPPINGS = (
    KeyMapping(
        "pytorchcv",
        marks=(r"features\.stage1\.unit\d+\.body\.conv\d\.",),
        renames=(
            (r"features\.init_block\.conv\.", "conv1."),
            (r"features\.init_block\.bn\.", "bn1."),
            (r"features\.init_block\.weight", "conv1.weight"),  # pre-activation: no norm behind it
            (r"features\.post_activ\.bn\.", "bn."),
            (r"features\.stage(\d+)\.unit(\d+)\.body\.conv(\d)\.conv\.", r"layer\1.\2.conv\3."),
            (r"features\.stage(\d+)\.unit(\d+)\.body\.conv(\d)\.bn\.", r"layer\1.\2.bn\3."),
            (r"features\.stage(\d+)\.unit(\d+)\.identity_conv\.conv\.", r"layer\1.\2.downsample.0."),
            (r"features\.stage(\d+)\.unit(\d+)\.identity_conv\.bn\.", r"layer\1.\2.downsample.1."),
            (r"features\.stage(\d+)\.unit(\d+)\.identity_conv\.weight", r"layer\1.\2.downsample.0.weight"),
            (r"output\.", "fc."),
        ),
        first_block=1,
    ),
    KeyMapping(
        "akamaster",
        marks=(r"layer1\.\d+\.", r"linear\."),
        renames=((r"linear\.", "fc."), (r"layer(\d+)\.(\d+)\.shortcut\.", r"layer\1.\2.downsample.")),
    ),
    KeyMapping(
        "akamaster",  # without its classifier, or with one in somebody's class
        marks=(r"layer1\.\d+\.", r"layer\d+\.\d+\.shortcut\."),
        renames=((r"layer(\d+)\.(\d+)\.shortcut\.", r"layer\1.\2.downsample."),),
    ),
    KeyMapping("torchvision", marks=(r"layer1\.\d+\.",)),
)


RESNETZOO = KeyMapping("resnetzoo", marks=())  # of files that say that they are ours


def find_mapping(names: Iterable[str]) -> KeyMapping:
    """The first mapping whose marks are among the names.

    Raises:
        CheckpointError: none.
    """
    found = list(names)
    for mapping in KEY_MAPPINGS:
        if all(any(re.match(mark, name) for name in found) for mark in mapping.marks):
            return mapping
    raise CheckpointError(
        f"its {len(found)} names, such as {', '.join(found[:4])}, are those of no layout that is known "
        f"({', '.join(dict.fromkeys(mapping.name for mapping in KEY_MAPPINGS))})"
    )


def remap_keys(mapping: KeyMapping, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under our names.

    Raises:
        CheckpointError: two of them have the same name in ours.
    """
    theirs: dict[str, str] = {}
    for name in weights:
        ours = _our_name(mapping, name)
        if ours in theirs:
            raise CheckpointError(f"it has two sets of weights for one layer: {theirs[ours]} and {name}")
        theirs[ours] = name
    return {ours: weights[name] for ours, name in theirs.items()}


def _our_name(mapping: KeyMapping, name: str) -> str:
    for pattern, ours in mapping.renames:
        if re.match(pattern, name):
            name = re.sub(rf"^{pattern}", ours, name)
            break
    block = re.match(r"layer(\d+)\.(\d{1,6})\.", name)
    if not block:
        return name
    return f"layer{block[1]}.{int(block[2]) - mapping.first_block}.{name[block.end() :]}"
