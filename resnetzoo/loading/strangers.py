"""What a network is that is none of ours: the kinds that people most often take for one."""

import re
from collections.abc import Iterable

from resnetzoo.loading.infer import Shapes

# Patterns found in the names, and what has them.
_BY_NAME = (
    (r"cls_token|pos_embed|\.attn\.|self_attn|patch_embed", "a transformer (ViT or alike)"),
    (r"conv_reduce|conv_conv|split_transforms", "a ResNeXt"),
    (r"\.se\.|\.se_module\.|\.squeeze", "a network with squeeze-and-excitation (SENet)"),
    (r"denseblock\d|dense\d\.\d", "a DenseNet"),
    (r"rbr_dense|rbr_1x1|rbr_reparam", "a RepVGG"),
    (r"block\d\.layer\.\d+\.", "a Wide ResNet"),
    (r"conv_dw|depthwise|features\.\d+\.conv\.\d", "a MobileNet"),
    (r"features\.\d+\.weight", "a VGG or AlexNet (numbered layers without stages)"),
)
_IMAGENET = {(18, False): "resnet18", (34, False): "resnet34", (50, True): "resnet50", (101, True): "resnet101"}


def stranger_by_names(names: Iterable[str]) -> str | None:
    """What has names like these; None if they tell nothing."""
    found = list(names)
    return next((what for pattern, what in _BY_NAME if any(re.search(pattern, name) for name in found)), None)


def stranger_by_shapes(shapes: Shapes) -> str | None:
    """What has these names and shapes, names as ours; None if it may be a network of ours."""
    stem, first = shapes.get("conv1.weight", ()), shapes.get("layer1.0.conv1.weight", ())
    grouped = [name for name in shapes if re.fullmatch(r"layer\d+\.\d+\.conv2\.weight", name) and _groups(shapes, name)]
    if grouped:
        return f"a ResNeXt (3x3 convolutions in {_groups(shapes, grouped[0])} groups)"
    if any(name.startswith("layer4.") for name in shapes):
        return _four_stages(shapes, stem)
    if len(stem) == 4 and len(first) == 4 and first[0] > stem[0] and len(shapes.get("layer1.0.conv2.weight", ())) == 4:
        widths = [shapes.get(f"layer{stage}.0.conv1.weight", (0,))[0] for stage in (1, 2, 3)]
        return (
            f"a Wide ResNet (stages of {', '.join(map(str, widths))} channels behind a stem of {stem[0]}, "
            f"{first[0] / stem[0]:g} times as wide)"
        )
    biased = [name for name in shapes if re.search(r"(^|\.)conv\d\.bias$", name)]
    if biased:
        return (
            f"a network whose convolutions have biases ({biased[0]}), as none here: its norms may have been folded in"
        )
    if "bn1.weight" in shapes and "bn1.running_mean" not in shapes:
        return "a network with norms without running statistics (group or instance norm), where ours have batch norm"
    return None


def _four_stages(shapes: Shapes, stem: tuple[int, ...]) -> str:
    bottleneck = "layer1.0.conv3.weight" in shapes
    depth = 2 + sum(bool(re.fullmatch(r"layer\d+\.\d+\.conv\d\.weight", name)) for name in shapes)
    size = f"{stem[2]}x{stem[3]}" if len(stem) == 4 else "deep"
    channels = f"{stem[0]} channels" if len(stem) == 4 else "several convolutions"
    known = _IMAGENET.get((depth, bottleneck))
    name = f" ({known})" if known else ""
    where = "torchvision and timm build it" if size == "7x7" else "load it with the code that trained it"
    kind = "bottleneck blocks" if bottleneck else "basic blocks"
    return f"a 4-stage ImageNet ResNet{name} of {depth} layers in {kind}, with a {size} stem of {channels}; {where}"


def _groups(shapes: Shapes, name: str) -> int | None:
    """Groups of a block's second convolution, by its inputs against the outputs of the first; None if it has one."""
    inputs = shapes[name][1] if len(shapes[name]) == 4 else 0
    before = shapes.get(name.replace("conv2", "conv1"), ())
    if len(before) != 4 or not inputs or inputs >= before[0] or before[0] % inputs:
        return None
    return before[0] // inputs
