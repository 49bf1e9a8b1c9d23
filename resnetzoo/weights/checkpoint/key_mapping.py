"""Tables that map the weight names of other implementations to ours."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from resnetzoo.errors import CheckpointError
from resnetzoo.models.spec import ModelSpec, ProjectionInput


@dataclass(frozen=True)
class KeyMapping:
    """How the names of one implementation map to ours, and what it computes if the names do not say.

    Attributes:
        name: name of the implementation.
        marks: patterns that must all be found among the names.
        lacks: patterns that must not be found among them.
        beside: names of other entries that the file must have.
        renames: patterns of its names and their replacements in ours; a name that matches none stays as it is.
        first_block: number of a stage's first block.
        norm_last: whether `bn1` must be the norm before the pooling rather than the one after the stem, as its number
            of channels shows; None if the names are enough.
        last_norm, projection_input, strided_conv: as in `ModelSpec`.
    """

    name: str
    marks: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    renames: tuple[tuple[str, str], ...] = ()
    first_block: int = 0
    norm_last: bool | None = None
    last_norm: bool = True
    projection_input: ProjectionInput = "activated"
    strided_conv: int | None = None

    def computes(self, spec: ModelSpec) -> ModelSpec:
        """A spec inferred from names and shapes, changed to what this implementation computes."""
        if not spec.norm_first:
            return spec
        return replace(spec, projection_input=self.projection_input, strided_conv=self.strided_conv)


_SHORTCUT = (r"layer(\d+)\.(\d+)\.shortcut\.", r"layer\1.\2.downsample.")
_LINEAR = (r"linear\.", "fc.")
_LAST_NORM = (r"bn1\.", "bn.")

# Tried in this order. Read at: github.com/osmr/pytorchcv 7f31dc8, akamaster/pytorch_resnet_cifar10 d5489e8,
# kuangliu/pytorch-cifar 49b7aa9 (whose names torch-uncertainty 0.13.0 uses as well), Jingkang50/OpenOOD 0bf1fe2,
# xternalz/WideResNet-pytorch 24a5cb1 (also in bearpaw/pytorch-classification 24f1c45, HobbitLong/RepDistiller eedab9d,
# OpenOOD, pytorch-ood 0.4.0), meliketoy/wide-resnet.pytorch 292b3ed, torchdistill 1.1.5. Torchvision's names are also
# those of the ResNets of chenyaofo/pytorch-cifar-models 786c162, bearpaw, detectors 0.1.11, timm, RepDistiller and
# torchdistill, and of this package.
KEY_MAPPINGS = (
    KeyMapping(
        "pytorchcv",
        marks=(r"features\.stage1\.unit\d+\.body\.conv\d\.",),
        renames=(
            (r"features\.init_block\.conv\.", "conv1."),
            (r"features\.init_block\.bn\.", "bn1."),
            (r"features\.init_block\.weight", "conv1.weight"),  # pre-activation: no norm after it
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
        "xternalz",  # Wide ResNets
        marks=(r"block1\.layer\.\d+\.conv1\.",),
        renames=(
            _LAST_NORM,
            (r"block(\d+)\.layer\.(\d+)\.convShortcut\.", r"layer\1.\2.downsample.0."),
            (r"block(\d+)\.layer\.(\d+)\.", r"layer\1.\2."),
        ),
    ),
    KeyMapping(
        "bearpaw",  # ResNeXts
        marks=(r"stage_1\.stage_1_bottleneck_\d+\.conv_conv\.", r"conv_1_3x3\."),
        renames=(
            (r"conv_1_3x3\.", "conv1."),
            (r"bn_1\.", "bn1."),
            *(
                (rf"stage_(\d+)\.stage_\d+_bottleneck_(\d+)\.{theirs}\.", rf"layer\1.\2.{ours}.")
                for theirs, ours in (
                    ("conv_reduce", "conv1"),
                    ("bn_reduce", "bn1"),
                    ("conv_conv", "conv2"),
                    ("bn", "bn2"),
                    ("conv_expand", "conv3"),
                    ("bn_expand", "bn3"),
                    (r"shortcut\.shortcut_conv", "downsample.0"),
                    (r"shortcut\.shortcut_bn", "downsample.1"),
                )
            ),
            (r"classifier\.", "fc."),
        ),
    ),
    KeyMapping(
        "meliketoy",  # Wide ResNets; the biases of its convolutions are absorbed
        marks=(r"layer1\.\d+\.conv1\.bias", r"layer\d+\.\d+\.shortcut\.0\.bias", r"linear\."),
        lacks=(r"layer\d+\.\d+\.shortcut\.1\.",),
        renames=(_LAST_NORM, _LINEAR, _SHORTCUT),
        norm_last=True,
        projection_input="raw",
        strided_conv=2,
    ),
    KeyMapping(
        "torchdistill",  # Wide ResNets
        marks=(r"layer1\.\d+\.", r"layer\d+\.\d+\.shortcut\.0\.", r"fc\."),
        lacks=(r"layer\d+\.\d+\.shortcut\.1\.",),
        renames=(_LAST_NORM, _SHORTCUT),
        norm_last=True,
        projection_input="raw",
    ),
    KeyMapping(
        "kuangliu",  # pre-activation networks, which end without a norm
        marks=(r"layer1\.\d+\.", r"layer\d+\.\d+\.shortcut\.0\.", r"linear\."),
        lacks=(r"layer\d+\.\d+\.shortcut\.1\.", r"bn1?\."),
        renames=(_LINEAR, _SHORTCUT),
        last_norm=False,
    ),
    KeyMapping(
        "kuangliu",
        marks=(r"layer4\.\d+\.", r"layer\d+\.\d+\.shortcut\.", r"linear\."),
        renames=(_LINEAR, _SHORTCUT),
    ),
    KeyMapping("OpenOOD", marks=(r"layer4\.\d+\.", r"layer\d+\.\d+\.shortcut\.", r"fc\."), renames=(_SHORTCUT,)),
    KeyMapping("akamaster", marks=(r"layer1\.\d+\.", r"linear\."), renames=(_LINEAR, _SHORTCUT)),
    KeyMapping(
        "akamaster",  # without its classifier, or with one in a user's class
        marks=(r"layer1\.\d+\.", r"layer\d+\.\d+\.shortcut\."),
        renames=(_SHORTCUT,),
    ),
    KeyMapping(
        "bearpaw",  # pre-activation networks: torchvision's names, beside entries that only its script writes
        marks=(r"layer1\.\d+\.", r"bn\."),
        beside=("epoch", "acc", "best_acc"),
        projection_input="raw",
    ),
    KeyMapping("torchvision", marks=(r"layer1\.\d+\.",)),
)


RESNETZOO = KeyMapping("resnetzoo", marks=())  # of files that say that they are ours


def find_mapping(weights: Mapping[str, Tensor], beside: Collection[str] = ()) -> KeyMapping:
    """The first mapping that fits the names and, where it requires it, the channels of the norm `bn1`.

    Args:
        weights: tensors by name.
        beside: what else the file has, by name.

    Raises:
        CheckpointError: no mapping fits.
    """
    for mapping in KEY_MAPPINGS:
        if (
            all(_any_is(mark, weights) for mark in mapping.marks)
            and not any(_any_is(mark, weights) for mark in mapping.lacks)
            and set(mapping.beside) <= set(beside)
            and mapping.norm_last in (None, _norm_is_last(weights))
        ):
            return mapping
    raise CheckpointError(
        f"its {len(weights)} names, such as {', '.join(list(weights)[:4])}, belong to no known layout "
        f"({', '.join(dict.fromkeys(mapping.name for mapping in KEY_MAPPINGS))})"
    )


def _any_is(pattern: str, names: Iterable[str]) -> bool:
    return any(re.match(pattern, name) for name in names)


def _norm_is_last(weights: Mapping[str, Tensor]) -> bool:
    """Whether the norm `bn1` has a different number of channels than the output of the stem."""
    stem, norm = weights.get("conv1.weight"), weights.get("bn1.weight")
    return stem is not None and norm is not None and stem.shape[:1] != norm.shape[:1]


def remap_keys(mapping: KeyMapping, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors to our names.

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
