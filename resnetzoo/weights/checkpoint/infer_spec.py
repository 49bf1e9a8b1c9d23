"""Infer a network's spec from the names and shapes of its weights."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import get_args

from resnetzoo.errors import CheckpointError, UsageError
from resnetzoo.models.blocks.types import BLOCK_TYPES, BLOCKS, BlockType
from resnetzoo.models.depths import FOUR_STAGES
from resnetzoo.models.registry import get_spec, registered_names
from resnetzoo.models.shapes import BlockShape
from resnetzoo.models.spec import WIDTHS, Family, ModelSpec, Shortcut
from resnetzoo.utils.text import counted
from resnetzoo.utils.validation import check_choice

Shapes = dict[str, tuple[int, ...]]
_FIRST_CONV = re.compile(r"layer\d+\.0\.conv1\.weight")
_FIRST_CONVS = re.compile(r"layer1\.0\.conv\d+\.weight")


def infer_spec(shapes: Shapes, *, last_norm: bool = True) -> ModelSpec:
    """The spec of the network with these weights. A network that may be plain or residual is taken for residual.

    A backbone without a classifier gets the default number of classes of specs.

    Args:
        shapes: shapes of the weights, by our names.
        last_norm: whether a pre-activation network of this layout has a norm before its pooling.

    Raises:
        CheckpointError: the network is not one of this package; the message says why.
    """
    stem, classifier = shapes.get("conv1.weight"), shapes.get("fc.weight", ())
    if stem is None or len(stem) != 4:
        raise CheckpointError("it has no first convolution, conv1.weight")
    if has_classifier(shapes) and len(classifier) != 2:
        raise CheckpointError(
            "its classifier has no fc.weight of two dimensions; save the network with its last layer, or without it"
        )
    layers = _layers(shapes)
    last_norm = last_norm and not _ends_without_norm(shapes)
    family = _family(shapes) if last_norm else "preactivation"
    kind = _block_type(family, shapes)
    widths = tuple(_width(kind, shapes, stage) for stage in range(1, len(layers) + 1))
    first = shapes["layer1.0.conv1.weight"]
    widened = kind.counts_projections and len(layers) == len(WIDTHS) and stem[0] < widths[0]  # a Wide ResNet
    groups, width_per_group = _groups(kind, shapes)
    try:
        spec = ModelSpec(
            family,
            sum(layers) * kind.layers + (1 + len(layers) if widened else 2),
            block=kind.block,
            shortcut="projection_all",
            num_classes=classifier[0] if classifier else ModelSpec.num_classes,
            in_chans=stem[1],
            widths=widths,
            stem_width=stem[0] if first[1:2] == stem[:1] else None,  # else it is damaged, which its shapes will show
            layers=layers,
            groups=groups,
            width_per_group=width_per_group,
            last_norm=last_norm,
        )
        return _with_shortcut(spec, shapes)
    except UsageError as error:
        raise CheckpointError(f"its shapes do not fit any network of this package: {error}") from error


def has_classifier(shapes: Shapes) -> bool:
    """Whether there are weights of the last layer; a backbone has none."""
    return any(name.startswith("fc.") for name in shapes)


def as_family(spec: ModelSpec, family: Family | None) -> ModelSpec:
    """The inferred spec, or that of the plain network with the same names and shapes if `family` asks for it.

    Raises:
        UsageError: there is no such family.
        CheckpointError: the weights are of another family.
    """
    if family == "plain" and is_also_plain(spec):
        return replace(spec, family="plain")
    check_family(spec, family)
    return spec


def check_family(spec: ModelSpec, family: Family | None) -> None:
    """Refuse a network of a family other than the requested one; None accepts every family.

    Raises:
        UsageError: there is no such family.
        CheckpointError: the network is of another family.
    """
    if family is None or family == spec.family:
        return
    check_choice("family", family, get_args(Family))
    raise CheckpointError(f'family="{family}" was asked for, but the weights are those of {describe(spec)}')


def is_also_plain(spec: ModelSpec) -> bool:
    """Whether there is a plain network with the same names and shapes."""
    plain = {kind.block for kind in BLOCK_TYPES if not kind.family.has_shortcuts}
    shortcuts_to_leave_out = spec.has_shortcuts and not spec.norm_first and spec.shortcut == "identity"
    return shortcuts_to_leave_out and spec.block in plain


def describe(spec: ModelSpec) -> str:
    """A description of a network, such as `a 164-layer bottleneck network`."""
    kind = spec.family if spec.block == BLOCKS[0] else spec.block
    article = "an" if re.fullmatch(r"8\d*|11", str(spec.depth)) else "a"
    return f"{article} {spec.depth}-layer {kind} network"


def _layers(shapes: Shapes) -> tuple[int, ...]:
    """The number of blocks in each stage.

    Unequal numbers are accepted only if a known spec has them, since otherwise a block may be missing.
    """
    blocks: dict[int, set[int]] = {}
    for name in shapes:
        if part := re.match(r"layer(\d{1,6})\.(\d{1,6})\.", name):
            blocks.setdefault(int(part[1]), set()).add(int(part[2]))
    if sorted(blocks) != list(range(1, len(blocks) + 1)) or len(blocks) not in _stage_counts():
        found = ", ".join(f"layer{stage}" for stage in sorted(blocks))
        expected = " or ".join(f"layer1 to layer{count}" for count in _stage_counts())
        raise CheckpointError(f"it has {counted(len(blocks), 'stage')} ({found}), where a CIFAR network has {expected}")
    for stage, indices in sorted(blocks.items()):
        gap = next((index for index in range(max(indices)) if index not in indices), None)
        if gap is not None:
            raise CheckpointError(f"it lacks the block layer{stage}.{gap}, though layer{stage}.{max(indices)} is there")
    layers = tuple(len(blocks[stage]) for stage in sorted(blocks))
    if len(set(layers)) > 1 and layers not in {*FOUR_STAGES.values(), *(spec.layers for spec in _registered())}:
        found = f"{', '.join(map(str, layers[:-1]))} and {layers[-1]}"
        raise CheckpointError(
            f"its stages have {found} blocks, where all have the same number, or those of a registered network; "
            "a layer is missing or too many, or it is another network: after register(name, spec) it can be read"
        )
    return layers


def _registered() -> list[ModelSpec]:
    return [get_spec(name) for name in registered_names()]


def _stage_counts() -> list[int]:
    """The numbers of stages that networks, including registered ones, have."""
    return sorted({len(spec.widths) for spec in _registered()})


def fitting_block_type(shapes: Shapes, kinds: Sequence[BlockType] = BLOCK_TYPES) -> BlockType | None:
    """The kind of the first block according to the shapes of its convolutions; None if it is none of `kinds`."""
    found = {name: shape for name, shape in shapes.items() if _FIRST_CONVS.fullmatch(name)}
    if not found.get("layer1.0.conv1.weight"):
        return None
    for kind in kinds:
        width, (groups, width_per_group) = _width(kind, shapes, 1), _groups(kind, shapes)
        stem = shapes.get("conv1.weight") or (width,)
        inside = width * width_per_group // 64 * groups
        block = BlockShape("layer1.0", stem[0], inside, width * kind.expansion, 1, groups)
        if found == {f"layer1.0.{conv.conv}.weight": conv.weight_shape for conv in kind.convs(block)}:
            return kind
    return None


def _block_type(family: Family, shapes: Shapes) -> BlockType:
    """The kind of block that fits, or else one with the same last convolution, so that an error can name the fault."""
    kinds = [kind for kind in BLOCK_TYPES if kind.family.name == family]
    if fitting := fitting_block_type(shapes, kinds):
        return fitting
    deepest_first = sorted(kinds, key=lambda kind: -kind.layers)
    return next((kind for kind in deepest_first if f"layer1.0.conv{kind.layers}.weight" in shapes), kinds[0])


def _width(kind: BlockType, shapes: Shapes, stage: int) -> int:
    """The width of a stage: the output channels of its first convolution, or of its last if there are groups."""
    name = f"layer{stage}.0.conv1.weight"
    if not shapes.get(name):
        raise CheckpointError(f"it lacks {name}")
    unit = BlockShape("", 1, 1, kind.expansion, 1)
    last = shapes.get(f"layer{stage}.0.conv{kind.layers}.weight")
    if kind.takes_groups and last and last[0] >= kind.expansion:
        return last[0] // kind.expansion
    return shapes[name][0] // kind.convs(unit)[0].out_chans


def _groups(kind: BlockType, shapes: Shapes) -> tuple[int, int]:
    """Groups of 3x3 convolutions and the least `width_per_group` that fits all stages; 1 and 64 for other blocks."""
    first, grouped = (shapes.get(f"layer1.0.conv{number}.weight", ()) for number in (1, 2))
    if not kind.takes_groups or len(first) != 4 or len(grouped) != 4 or not grouped[1] or first[0] % grouped[1]:
        return 1, 64
    least, most = zip(*_widths_per_group(kind, shapes), strict=True)
    return first[0] // grouped[1], min(max(least), most[0])


def _widths_per_group(kind: BlockType, shapes: Shapes) -> Iterator[tuple[int, int]]:
    """Of each stage the least and the greatest `width_per_group` that gives its channels, since they are rounded."""
    for stage in count(1):
        grouped = shapes.get(f"layer{stage}.0.conv2.weight", ())
        if len(grouped) != 4 or not shapes.get(f"layer{stage}.0.conv1.weight"):
            return
        width = max(_width(kind, shapes, stage), 1)
        yield -(-grouped[1] * 64 // width), ((grouped[1] + 1) * 64 - 1) // width


def _ends_without_norm(shapes: Shapes) -> bool:
    """Whether it is a pre-activation network without a norm before its pooling, by the norms in front of its blocks."""
    if "bn1.weight" in shapes or "bn.weight" in shapes:
        return False
    first = [name.removesuffix(".conv1.weight") for name in shapes if _FIRST_CONV.fullmatch(name)]
    changing = [name for name in first if len(set(shapes[f"{name}.conv1.weight"][:2])) == 2]
    taken = [(shapes.get(f"{name}.bn1.weight"), shapes[f"{name}.conv1.weight"][1:2]) for name in changing]
    return bool(taken) and all(norm == inputs for norm, inputs in taken)


def _family(shapes: Shapes) -> Family:
    behind_stem, before_pooling = "bn1.weight" in shapes, "bn.weight" in shapes
    if behind_stem == before_pooling:
        found = "both" if behind_stem else "neither"
        raise CheckpointError(
            "a residual network has a norm after its first convolution, bn1.weight, a pre-activation network one "
            f"before its pooling, bn.weight; this has {found}"
        )
    return "residual" if behind_stem else "preactivation"


def _with_shortcut(spec: ModelSpec, shapes: Shapes) -> ModelSpec:
    projected = {block.name for block in spec.blocks() if f"{block.name}.downsample.0.weight" in shapes}
    options: tuple[Shortcut, ...] = ("projection", "projection_all") if projected else ("identity",)
    for shortcut in options:
        candidate = replace(spec, shortcut=shortcut)
        if projected == {block.name for block in spec.blocks() if candidate.has_projection(block)}:
            return candidate
    changing = ", ".join(block.name for block in spec.blocks() if block.changes_shape)
    raise CheckpointError(
        f"its shortcuts have projections in {', '.join(sorted(projected)[:4])}, where they belong in the blocks that "
        f"change the shape ({changing}) or in every one"
    )
