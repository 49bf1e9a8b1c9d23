"""Contents of files that are no network of this package, and what the message says of each."""

from collections.abc import Callable

import torch
from pytorchcv.model_provider import get_model
from torch import Tensor, nn
from torchvision.models import resnet18, resnext50_32x4d, squeezenet1_0, vgg11_bn, wide_resnet50_2

import resnetzoo
from resnetzoo import ModelSpec

State = dict[str, Tensor]


def state(spec: ModelSpec | None = None) -> State:
    return resnetzoo.CifarNet(spec or ModelSpec("residual", 14)).state_dict()


def changed(name: str, tensor: Tensor) -> State:
    assert name in state()
    return {**state(), name: tensor}


def without(part: str, of: ModelSpec | None = None) -> State:
    return {name: tensor for name, tensor in state(of).items() if part not in name}


def without_stem(start: str) -> State:
    return {name: tensor for name, tensor in state().items() if not name.startswith(start)}


def prefixed(prefix: str, tensors: State) -> State:
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def on_meta(build: Callable[[], nn.Module]) -> State:
    """`emptied`, of a large network that is built without values in the first place."""
    with torch.device("meta"):
        return emptied(build())


def emptied(network: nn.Module) -> State:
    """Names and shapes of a large network, with one number each for its values."""
    return {name: torch.zeros(()).expand(tensor.shape) for name, tensor in network.state_dict().items()}


def training_state(identity: object, model: object = None) -> dict[str, object]:
    normalization = {"kind": "channel", "mean": torch.zeros(3, 1, 1), "std": torch.ones(3, 1, 1)}
    values = {"identity": identity, "step": 1, "model": model, "optimizer": {}, "rows": [], "totals": {}}
    return {"format": "resnetzoo-checkpoint-1", "normalization": normalization, **values}


def self_holding() -> dict[str, object]:
    content: dict[str, object] = {"epoch": 1}
    content["model"] = content
    return content


RESNET14 = {"spec": ModelSpec("residual", 14).to_dict()}


CONTENTS: dict[str, tuple[Callable[[], object], str]] = {
    "list": (lambda: [torch.zeros(3)], "it holds a list of 1, not a dictionary of weights"),
    "tensor": (lambda: torch.zeros(3, 2), r"it holds a tensor of shape \[3, 2\], not a dictionary"),
    "nothing": (dict, "no layer's weights, but an empty dictionary"),
    "no tensors": (lambda: {"epoch": 3, "acc": 91.0}, r"no layer's weights, but 'epoch' \(an int\), 'acc' \(a float\)"),
    "holds itself": (self_holding, r"no layer's weights, but 'epoch' \(an int\), 'model' \(a dict of 2\)"),
    "optimizer": (
        lambda: torch.optim.SGD(nn.Linear(2, 2).parameters(), momentum=0.9).state_dict(),
        "an optimizer's state and no network",
    ),
    "unknown key": (lambda: {"student": state()}, r"under a key that is not looked into, 'student'; key=.student."),
    "missing tensor": (lambda: without("layer2.1.bn2.bias"), r"those of resnet14, but it lacks layer2\.1\.bn2\.bias"),
    "missing norm": (lambda: without("layer2.1.bn2"), r"lacks layer2\.1\.bn2\.bias and 3 more"),
    "missing block": (lambda: without("layer3.1."), "stages have 2, 2 and 1 blocks"),
    "gap": (lambda: without("layer1.0."), r"lacks the block layer1\.0, though layer1\.1 is there"),
    "gap behind": (
        lambda: {name.replace("layer1.1.", "layer1.2."): tensor for name, tensor in state().items()},
        r"lacks the block layer1\.1, though layer1\.2 is there",
    ),
    "missing stage": (lambda: without("layer3."), r"it has 2 stages \(layer1, layer2\)"),
    "half a classifier": (lambda: without("fc.weight"), r"classifier has no fc\.weight"),
    "missing stem": (lambda: without_stem("conv1."), r"no first convolution, conv1\.weight"),
    "missing norm of the stem": (lambda: without_stem("bn1."), "pre-activation network one .*this has neither"),
    "missing first convolution": (lambda: without("layer2.0.conv1."), r"lacks layer2\.0\.conv1\.weight"),
    "extra layer": (
        lambda: {**state(), "attention.weight": torch.zeros(2, 2)},
        "resnet14, but it has an unexpected attention.weight",
    ),
    "two classifiers": (
        lambda: {**state(), "linear.weight": torch.zeros(10, 64), "linear.bias": torch.zeros(10)},
        r"two sets of weights for one layer: fc\.weight and linear\.weight",
    ),
    "another kernel": (
        lambda: changed("layer2.1.conv2.weight", torch.zeros(32, 32, 5, 5)),
        r"layer2\.1\.conv2\.weight has the shape \[32, 32, 5, 5\], where resnet14 has \[32, 32, 3, 3\]",
    ),
    "mixed widths": (
        lambda: changed("layer2.1.conv2.weight", torch.zeros(48, 32, 3, 3)),
        r"layer2\.1\.conv2\.weight has the shape \[48, 32, 3, 3\]",
    ),
    "flat weights": (lambda: changed("layer2.0.conv1.weight", torch.zeros(())), r"lacks layer2\.0\.conv1\.weight"),
    "falling widths": (
        lambda: without("downsample", of=ModelSpec("residual", 8, shortcut="projection", widths=(8, 8, 4))),
        r"identity shortcuts pad with channels and cannot take any away: widths \(8, 8, 4\)",
    ),
    "odd projections": (
        lambda: {**state(), "layer1.1.downsample.0.weight": torch.zeros(16, 16, 1, 1)},
        r"projections in layer1\.1, .* change the shape \(layer2\.0, layer3\.0\)",
    ),
    "integers": (
        lambda: changed("layer1.0.conv1.weight", torch.zeros(16, 16, 3, 3, dtype=torch.int8)),
        r"layer1\.0\.conv1\.weight is torch\.int8.* not a dense tensor of floats",
    ),
    "NaN": (
        lambda: changed("layer3.1.bn2.running_var", torch.full((64,), torch.nan)),
        r"64 of the 64 numbers of layer3\.1\.bn2\.running_var are NaN or infinite: the training diverged",
    ),
    "no values": (lambda: changed("fc.bias", torch.zeros(10, device="meta")), r"fc\.bias is without values"),
    "half prefixed": (
        lambda: {f"module.{name}" if "layer1" in name else name: tensor for name, tensor in state().items()},
        r'with the prefix "module\." and names without: 4 convolutions such as module\.layer1\.0\.conv1\.weight, 9 ',
    ),
    "student and teacher": (
        lambda: {f"{who}.{name}": tensor for who in ("model", "teacher") for name, tensor in state().items()},
        r"mixes names with the prefix \"model\.\" .* such as teacher\.conv1\.weight",
    ),
    "another network under a word": (
        lambda: prefixed("resnet.", on_meta(resnet18)),
        r"a 4-stage ImageNet ResNet \(resnet18\) of 18 layers in basic blocks, with a 7x7 stem",
    ),
    "one tensor too many under a word": (
        lambda: prefixed("resnet.", {**state(), "scale": torch.zeros(1)}),
        "belong to no known layout",
    ),
    "a second classifier beside a word": (
        lambda: {**prefixed("resnet.", state()), "head.weight": torch.zeros(2, 10)},
        "belong to no known layout",
    ),
    "student and teacher under words": (
        lambda: {**prefixed("student.", state()), **prefixed("teacher.", state())},
        "holds several networks, 'student', 'teacher'; key=\"student\" takes it",
    ),
    "compiled and not": (
        lambda: {**state(), "layer1._orig_mod.0.conv1.weight": torch.zeros(16, 16, 3, 3)},
        r"two sets of weights for one layer: layer1\.0\.conv1\.weight, with and without layer1\._orig_mod\.0",
    ),
    "biased convolutions": (
        lambda: {**without("bn"), "conv1.bias": torch.zeros(16)},
        r"convolutions have biases \(conv1\.bias\)",
    ),
    "group norm": (
        lambda: without("running"),
        "norms without running statistics",
    ),
    "layers by number": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2)).state_dict(),
        r"its 4 names, such as 0\.weight, .* belong to no known layout \(pytorchcv, xternalz, .*, torchvision\)",
    ),
    "ImageNet ResNet": (
        lambda: on_meta(resnet18),
        r"a 4-stage ImageNet ResNet \(resnet18\) of 18 layers in basic blocks, with a 7x7 stem of 64 channels",
    ),
    "ResNeXt": (lambda: on_meta(resnext50_32x4d), r"a ResNeXt \(3x3 convolutions in 32 groups\)"),
    "a block alone": (
        lambda: {"block1.layer.0.conv1.weight": torch.zeros(8, 8, 3, 3)},
        r"it has no first convolution, conv1\.weight",
    ),
    "Wide ResNet of ImageNet": (
        lambda: on_meta(wide_resnet50_2),
        r"a 4-stage ImageNet ResNet \(Wide ResNet-50-2\) of 50 layers .*; torchvision and timm build it",
    ),
    "ResNet-10": (
        lambda: on_meta(lambda: get_model("resnet10")),
        "a 4-stage ImageNet ResNet of 10 layers in basic blocks, with a 7x7 stem of 64 channels; load it with",
    ),
    "ResNet-18 of pytorchcv": (
        lambda: on_meta(lambda: get_model("resnet18")),
        r"ResNet \(resnet18\) of 18 layers in basic blocks, with a 7x7 stem of 64 channels; load it with",
    ),
    "CBAM": (
        lambda: on_meta(lambda: get_model("cbam_resnet18")),
        r"a 4-stage relative of the ImageNet ResNets, with parts of its own \(features\.stage1\.unit1\.cbam\.",
    ),
    "selective kernels": (
        lambda: on_meta(lambda: get_model("sknet50")),
        r"a 4-stage relative .* \(features\.stage1\.unit1\.body\.conv2\.branches\.",
    ),
    "PyramidNet": (
        lambda: on_meta(lambda: get_model("pyramidnet110_a48_cifar10")),
        r"a PyramidNet or similar, which widens from block to block \(17, 18, \.\.\. channels\)",
    ),
    "DenseNet of pytorchcv": (
        lambda: on_meta(lambda: get_model("densenet40_k12_cifar10")),
        "belong to no known layout",
    ),
    "SqueezeNet": (lambda: on_meta(squeezenet1_0), "it is a SqueezeNet"),
    "pre-activation parameters alone": (
        lambda: dict(resnetzoo.CifarNet(ModelSpec("preactivation", 8)).named_parameters()),
        r"parameters alone, without the buffers \(save model\.state_dict\(\)",
    ),
    "parameters alone": (
        lambda: dict(resnetzoo.CifarNet(ModelSpec("residual", 8)).named_parameters()),
        r"norms without running statistics: its parameters alone, without the buffers .* or one with group",
    ),
    "SENet": (lambda: on_meta(lambda: get_model("seresnet20_cifar10")), "squeeze-and-excitation"),
    "DenseNet": (lambda: {"features.denseblock1.denselayer1.conv1.weight": torch.zeros(8, 8, 1, 1)}, "a DenseNet"),
    "VGG": (lambda: on_meta(vgg11_bn), "a VGG or AlexNet"),
    "transformer": (
        lambda: {"cls_token": torch.zeros(1, 1, 8), "blocks.0.attn.qkv.weight": torch.zeros(24, 8)},
        "a transformer",
    ),
    "later version": (lambda: {"format": "resnetzoo-checkpoint-9"}, "in the format resnetzoo-checkpoint-9, this"),
    "half a training state": (lambda: {"format": "resnetzoo-checkpoint-1", "step": 3}, "lacks parts of it"),
    "training of nothing known": (lambda: training_state({}), "network of another kind, which resnetzoo cannot build"),
    "training without its recipe": (
        lambda: training_state(RESNET14, state()),
        r"does not say how it was trained \('data'\)",
    ),
    "identity of a list": (lambda: training_state([]), "its identity is a list of 0, not a dictionary"),
    "identity of nothing": (lambda: training_state(None), "its identity is None, not a dictionary"),
    "spec of a word": (lambda: training_state({"spec": "x"}), "resnetzoo cannot read its spec: 'x'"),
    "training without weights": (lambda: training_state(RESNET14), "its weights are None, not a dictionary"),
    "training with a number for a weight": (
        lambda: training_state(RESNET14, {**state(), "fc.bias": 3}),
        r"training state: an int under 'fc\.bias', not a tensor by its name",
    ),
    "training with a number for a name": (
        lambda: training_state(RESNET14, {**state(), 7: torch.zeros(3)}),
        r"training state: a tensor of shape \[3\] under 7, not a tensor by its name",
    ),
}  # fmt: skip
