"""Recognize networks that this package does not have: the kinds that are most often mistaken for its own.

A network is named only if its names and shapes settle what it is, since a wrong name would mislead more than none.
"""

import re
from collections.abc import Iterable

from resnetzoo.utils.modules import REMOVE_WHAT_COMPUTES, computed_weight
from resnetzoo.weights.checkpoint.infer_spec import Shapes

# Patterns found in the names, and the networks that have them.
_BY_NAME = (
    (
        r"cls_token|class_token|pos_embed|patch_embed|\.attn\.(qkv|proj|in_proj)|attn_layer|self_att|\.xca\.",
        "a transformer (ViT or similar)",
    ),
    (r"split_transforms", "a ResNeXt"),
    (r"blocks\.\d+\.\d+\.conv_(dw|pw|pwl)\.", "a MobileNet, an EfficientNet or similar"),
    (r"stages\.\d+\.blocks\.\d+\.conv_dw\.", "a ConvNeXt or similar"),
    (r"expand1x1", "a SqueezeNet"),
    (r"\.se\.|\.se_module\.", "a network with squeeze-and-excitation or similar blocks (SENet)"),
    (r"denseblock\d|dense\d\.\d", "a DenseNet"),
    (r"rbr_dense|rbr_1x1|rbr_reparam", "a RepVGG"),
    (r"conv_dw|depthwise|features\.\d+\.conv\.\d", "a MobileNet"),
    (r"features\.\d+\.weight", "a VGG or AlexNet (numbered layers without stages)"),
)
# By depth, channels within the first block, and channels after it.
_IMAGENET = {
    (18, 64, 64): "resnet18",
    (34, 64, 64): "resnet34",
    (50, 64, 256): "resnet50",
    (101, 64, 256): "resnet101",
    (152, 64, 256): "resnet152",
    (50, 128, 256): "Wide ResNet-50-2",
    (101, 128, 256): "Wide ResNet-101-2",
}
_STEM = re.compile(r"conv1\.(conv\.)?weight")
# What a 4-stage ResNet consists of, with the stem of torchvision or of pytorchcv.
_PART = re.compile(r"((conv1|bn1|bn|fc)|conv1\.(conv|bn)|layer\d\.\d+\.((conv|bn)\d|downsample\.\d(\.\w+)?))\.\w+")


def unsupported_by_names(names: Iterable[str]) -> str | None:
    """The network that has such names; None if they are not recognized."""
    found = list(names)
    return next((what for pattern, what in _BY_NAME if any(re.search(pattern, name) for name in found)), None)


def only_computed(names: Iterable[str]) -> str | None:
    """What to do where a state dict holds only what weights are computed from; None if it holds the weights."""
    if name := computed_weight(names):
        return (
            f"it holds what weights are computed from, such as {name}: where it was made, {REMOVE_WHAT_COMPUTES}, and "
            "save its state_dict() again"
        )
    return None


def unsupported_by_shapes(shapes: Shapes) -> str | None:
    """The network with these names (ours) and shapes; None if it may be one of this package."""
    ours = shapes.get("conv1.weight", ())[2:] == (3, 3)
    grouped = [name for name in shapes if re.fullmatch(r"layer\d+\.\d+\.conv2\.weight", name) and _groups(shapes, name)]
    if grouped and not ours:
        return f"a ResNeXt (3x3 convolutions in {_groups(shapes, grouped[0])} groups)"
    if any(name.startswith("layer4.") for name in shapes) and (not ours or _own_part(shapes)):
        return _four_stages(shapes)
    if pyramid := _pyramid(shapes):
        return pyramid
    if _bare_projections(shapes):
        return (
            "a network whose shortcuts are convolutions without norm, with the norm of a block after its addition, as "
            "torch-uncertainty's WideResNet, which is not one of arXiv:1605.07146"
        )
    biased = [name for name in shapes if re.search(r"(^|\.)conv\d\.bias$", name)]
    if biased and not any(name.endswith(".running_mean") for name in shapes):
        return (
            f"a network whose convolutions have biases ({biased[0]}), as none here: its norms may have been folded in"
        )
    if {"bn1.weight", "bn.weight"} & shapes.keys() and not any(name.endswith(".running_mean") for name in shapes):
        return (
            "a network with norms without running statistics: its parameters alone, without the buffers (save "
            "model.state_dict(), which has both), or one with group or instance norm: save_weights and fit write "
            'into the file which it is; model.load_state_dict fills a network of ModelSpec(..., norm="group")'
        )
    return None


def _bare_projections(shapes: Shapes) -> bool:
    """Projections without a norm, although the norm after the stem shows that norms follow convolutions."""
    stem, norm = shapes.get("conv1.weight", ()), shapes.get("bn1.weight", ())
    projected = any(re.fullmatch(r"layer\d+\.0\.downsample\.0\.weight", name) for name in shapes)
    normed = any(re.match(r"layer\d+\.0\.downsample\.1\.", name) for name in shapes)
    return projected and not normed and len(norm) == 1 and stem[:1] == norm and "bn.weight" not in shapes


def _pyramid(shapes: Shapes) -> str | None:
    """Three pre-activation stages whose blocks are each wider than the one before."""
    stem = shapes.get("conv1.weight", ())
    widths = [_outputs(shapes, f"layer{stage}.0.conv1.weight") for stage in (1, 2, 3)]
    next_width = _outputs(shapes, "layer1.1.conv1.weight")
    if len(stem) == 4 and 0 < stem[0] < widths[0] < next_width < widths[1] < widths[2]:
        return f"a PyramidNet or similar, which widens from block to block ({widths[0]}, {next_width}, ... channels)"
    return None


def _own_part(shapes: Shapes) -> str | None:
    """A name that does not occur in any four-stage ResNet."""
    return next((name for name in shapes if not _PART.fullmatch(name)), None)


def _four_stages(shapes: Shapes) -> str:
    """A ResNet for ImageNet, with its name if all parts match."""
    own = _own_part(shapes)
    stem = next((shape for name, shape in shapes.items() if _STEM.fullmatch(name) and len(shape) == 4), None)
    if own is not None or stem is None:
        part = own or "no first convolution"
        return f"a 4-stage relative of the ImageNet ResNets, with parts of its own ({part})"
    bottleneck = "layer1.0.conv3.weight" in shapes
    depth = 2 + sum(bool(re.fullmatch(r"layer\d+\.\d+\.conv\d\.weight", name)) for name in shapes)
    last = "conv3" if bottleneck else "conv2"
    inside, behind = (_outputs(shapes, f"layer1.0.{convolution}.weight") for convolution in ("conv1", last))
    batch_norm = any(name.endswith(".running_mean") for name in shapes)
    known = _IMAGENET.get((depth, inside, behind)) if batch_norm else None
    name = f" ({known})" if known else ""
    size = f"{stem[2]}x{stem[3]}"
    theirs = known and size == "7x7" and "conv1.weight" in shapes
    where = "torchvision and timm build it" if theirs else "load it with the code that trained it"
    kind = "bottleneck blocks" if bottleneck else "basic blocks"
    behind_stem = f"with a {size} stem of {stem[0]} channels"
    return f"a 4-stage ImageNet ResNet{name} of {depth} layers in {kind}, {behind_stem}; {where}"


def _outputs(shapes: Shapes, name: str) -> int:
    """The output channels of a layer; 0 if it does not exist."""
    return shapes[name][0] if shapes.get(name) else 0


def _groups(shapes: Shapes, name: str) -> int | None:
    """Groups of a block's second convolution, from its inputs and the outputs of the first; None if there is one."""
    inputs = shapes[name][1] if len(shapes[name]) == 4 else 0
    before = shapes.get(name.replace("conv2", "conv1"), ())
    if len(before) != 4 or not inputs or inputs >= before[0] or before[0] % inputs:
        return None
    return before[0] // inputs
