"""Files in the layouts of projects that people have checkpoints of, against those networks computed from their names.

Each network is a plain function of its state dict, under its project's own names, written from its description: an
independent reference, and at the same time the file.
"""

import importlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from cases import ROOT
from foreign_networks import IMAGES, load, with_lived_in_norms
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import resnetzoo
from resnetzoo import CheckpointError, CheckpointWarning
from resnetzoo.weights.checkpoint.key_mapping import KEY_MAPPINGS, RESNETZOO

State = dict[str, Tensor]
Shape = tuple[int, ...]


class Random:
    """Weights as training leaves them: no two numbers alike, norms away from the identity."""

    def __init__(self) -> None:
        self.generator = torch.Generator().manual_seed(0)
        self.state: State = {}

    def conv(self, name: str, shape: Shape, bias: bool = False) -> None:
        fan_in = shape[1] * shape[2] * shape[3]
        self.state[f"{name}.weight"] = torch.randn(shape, generator=self.generator) * (2 / fan_in) ** 0.5
        if bias:
            self.state[f"{name}.bias"] = torch.randn(shape[0], generator=self.generator) * 0.3

    def norm(self, name: str, chans: int) -> None:
        for part in ("weight", "running_var"):
            self.state[f"{name}.{part}"] = torch.rand(chans, generator=self.generator) * 0.4 + 0.8
        for part in ("bias", "running_mean"):
            self.state[f"{name}.{part}"] = torch.randn(chans, generator=self.generator) * 0.1
        self.state[f"{name}.num_batches_tracked"] = torch.tensor(7)

    def linear(self, name: str, inputs: int, outputs: int) -> None:
        self.state[f"{name}.weight"] = torch.randn(outputs, inputs, generator=self.generator) * inputs**-0.5
        self.state[f"{name}.bias"] = torch.randn(outputs, generator=self.generator)


def conv(state: State, name: str, x: Tensor, stride: int = 1) -> Tensor:
    weight = state[f"{name}.weight"]
    groups = x.shape[1] // weight.shape[1]
    return F.conv2d(x, weight, state.get(f"{name}.bias"), stride, weight.shape[-1] // 2, groups=groups)


def norm(state: State, name: str, x: Tensor) -> Tensor:
    return F.batch_norm(x, *(state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")))


def active(state: State, name: str, x: Tensor) -> Tensor:
    return F.relu(norm(state, name, x))


def head(state: State, name: str, x: Tensor) -> Tensor:
    return F.linear(x.mean((2, 3)), state[f"{name}.weight"], state[f"{name}.bias"])


def strides(blocks: int, first: int) -> list[int]:
    return [first] + [1] * (blocks - 1)


class PostActivation:
    """ResNets of kuangliu, OpenOOD, akamaster's option B and torch-uncertainty: they differ in three names."""

    def __init__(self, layers: Shape, widths: Shape, classifier: str, bottleneck: bool = False, bias: bool = False):
        self.layers, self.widths, self.classifier, self.bottleneck = layers, widths, classifier, bottleneck
        made, expansion = Random(), 4 if bottleneck else 1
        made.conv("conv1", (widths[0], 3, 3, 3), bias)
        made.norm("bn1", widths[0])
        before = widths[0]
        for stage, (blocks, width) in enumerate(zip(layers, widths, strict=True), start=1):
            for block in range(blocks):
                name, after = f"layer{stage}.{block}", width * expansion
                shapes = [(width, before, 1, 1), (width, width, 3, 3), (after, width, 1, 1)]
                shapes = shapes if bottleneck else [(width, before, 3, 3), (width, width, 3, 3)]
                for number, shape in enumerate(shapes, start=1):
                    made.conv(f"{name}.conv{number}", shape, bias)
                    made.norm(f"{name}.bn{number}", shape[0])
                if block == 0 and (stage > 1 or before != after):
                    made.conv(f"{name}.shortcut.0", (after, before, 1, 1), bias)
                    made.norm(f"{name}.shortcut.1", after)
                before = after
        made.linear(classifier, before, 10)
        self.state = made.state

    def __call__(self, x: Tensor) -> Tensor:
        s = self.state
        x = active(s, "bn1", conv(s, "conv1", x))
        for stage, blocks in enumerate(self.layers, start=1):
            for block, stride in enumerate(strides(blocks, 1 if stage == 1 else 2)):
                x = self.block(f"layer{stage}.{block}", x, stride)
        return head(s, self.classifier, x)

    def block(self, name: str, x: Tensor, stride: int) -> Tensor:
        s, numbers = self.state, (1, 2, 3) if self.bottleneck else (1, 2)
        y = x
        for number in numbers:
            strided = number == (2 if self.bottleneck else 1)
            y = norm(s, f"{name}.bn{number}", conv(s, f"{name}.conv{number}", y, stride if strided else 1))
            y = y if number == numbers[-1] else F.relu(y)
        if f"{name}.shortcut.0.weight" in s:
            x = norm(s, f"{name}.shortcut.1", conv(s, f"{name}.shortcut.0", x, stride))
        return F.relu(y + x)


class PreActivation:
    """Pre-activation networks and Wide ResNets, each with the names and the order of one project."""

    def __init__(
        self,
        layers: Shape,
        stem: int,
        widths: Shape,
        *,
        block: str = "layer{stage}.{block}",
        shortcut: str = "shortcut.0",
        last_norm: str | None = "bn1",
        classifier: str = "linear",
        bias: bool = False,
        raw: bool = False,
        stride_in: int = 1,
    ) -> None:
        self.layers, self.name, self.shortcut, self.last_norm = layers, block, shortcut, last_norm
        self.classifier, self.raw, self.stride_in = classifier, raw, stride_in
        made = Random()
        made.conv("conv1", (stem, 3, 3, 3), bias)
        before = stem
        for stage, (blocks, width) in enumerate(zip(layers, widths, strict=True), start=1):
            for place in range(blocks):
                name = block.format(stage=stage, block=place)
                made.norm(f"{name}.bn1", before)
                made.conv(f"{name}.conv1", (width, before, 3, 3), bias)
                made.norm(f"{name}.bn2", width)
                made.conv(f"{name}.conv2", (width, width, 3, 3), bias)
                if before != width or (place == 0 and stage > 1):
                    made.conv(f"{name}.{shortcut}", (width, before, 1, 1), bias)
                before = width
        if last_norm is not None:
            made.norm(last_norm, before)
        made.linear(classifier, before, 10)
        self.state = made.state

    def __call__(self, x: Tensor) -> Tensor:
        s = self.state
        x = conv(s, "conv1", x)
        for stage, blocks in enumerate(self.layers, start=1):
            for block, stride in enumerate(strides(blocks, 1 if stage == 1 else 2)):
                name = self.name.format(stage=stage, block=block)
                a = active(s, f"{name}.bn1", x)
                first, second = (stride, 1) if self.stride_in == 1 else (1, stride)
                y = active(s, f"{name}.bn2", conv(s, f"{name}.conv1", a, first))
                y = conv(s, f"{name}.conv2", y, second)
                if f"{name}.{self.shortcut}.weight" in s:
                    x = conv(s, f"{name}.{self.shortcut}", x if self.raw else a, stride)
                x = x + y
        return head(s, self.classifier, x if self.last_norm is None else active(s, self.last_norm, x))


class BearpawResNeXt:
    """Bearpaw's ResNeXt-29, of 8 groups."""

    def __init__(self) -> None:
        made, before = Random(), 64
        made.conv("conv_1_3x3", (64, 3, 3, 3))
        made.norm("bn_1", 64)
        for stage in (1, 2, 3):
            inside, after = 8 * 4 * 2 ** (stage - 1), 256 * 2 ** (stage - 1)
            for block in range(3):
                name = f"stage_{stage}.stage_{stage}_bottleneck_{block}"
                made.conv(f"{name}.conv_reduce", (inside, before, 1, 1))
                made.norm(f"{name}.bn_reduce", inside)
                made.conv(f"{name}.conv_conv", (inside, inside // 8, 3, 3))
                made.norm(f"{name}.bn", inside)
                made.conv(f"{name}.conv_expand", (after, inside, 1, 1))
                made.norm(f"{name}.bn_expand", after)
                if block == 0:
                    made.conv(f"{name}.shortcut.shortcut_conv", (after, before, 1, 1))
                    made.norm(f"{name}.shortcut.shortcut_bn", after)
                before = after
        made.linear("classifier", before, 10)
        self.state = made.state

    def __call__(self, x: Tensor) -> Tensor:
        s = self.state
        x = active(s, "bn_1", conv(s, "conv_1_3x3", x))
        for stage in (1, 2, 3):
            for block, stride in enumerate(strides(3, 1 if stage == 1 else 2)):
                name = f"stage_{stage}.stage_{stage}_bottleneck_{block}"
                y = active(s, f"{name}.bn_reduce", conv(s, f"{name}.conv_reduce", x))
                y = active(s, f"{name}.bn", conv(s, f"{name}.conv_conv", y, stride))
                y = norm(s, f"{name}.bn_expand", conv(s, f"{name}.conv_expand", y))
                if block == 0:
                    shortcut = f"{name}.shortcut.shortcut"
                    x = norm(s, f"{shortcut}_bn", conv(s, f"{shortcut}_conv", x, stride))
                x = F.relu(x + y)
        return head(s, "classifier", x)


FOUR, BLOCK = (64, 128, 256, 512), "block{stage}.layer.{block}"
WIDE = {"layers": (2, 2, 2), "stem": 16, "widths": (32, 64, 128)}
Network = PostActivation | PreActivation | BearpawResNeXt
# By project: the network, the layout that is told, the label, and the first number of the deviation that is told.
LAYOUTS: dict[str, tuple[Callable[[], Network], str, str, float | None]] = {
    "kuangliu resnet": (lambda: PostActivation((2, 2, 2, 2), FOUR, "linear"), "kuangliu", "resnet18", 0.2023),
    "kuangliu bottleneck": (
        lambda: PostActivation((1, 1, 1, 1), FOUR, "linear", True),
        "kuangliu",
        "resnet14 (four stages)",
        0.2023,
    ),
    "kuangliu preact": (
        lambda: PreActivation((2, 2, 2, 2), 64, FOUR, last_norm=None),
        "kuangliu",
        "preresnet18 (no last norm)",
        0.2023,
    ),
    "OpenOOD resnet": (lambda: PostActivation((2, 2, 2, 2), FOUR, "fc"), "OpenOOD", "resnet18", 0.2470),
    "torch-uncertainty resnet": (
        lambda: PostActivation((2, 2, 2, 2), FOUR, "linear", bias=True),
        "kuangliu",
        "resnet18",
        0.2023,
    ),
    "xternalz": (
        lambda: PreActivation(**WIDE, block=BLOCK, shortcut="convShortcut", classifier="fc"),
        "xternalz",
        "wrn16_2",
        None,
    ),
    "xternalz of width 1": (
        lambda: PreActivation((2, 2, 2), 16, (16, 32, 64), block=BLOCK, shortcut="convShortcut", classifier="fc"),
        "xternalz",
        "preresnet14 (projection)",
        None,
    ),
    "meliketoy": (
        lambda: PreActivation(**WIDE, bias=True, raw=True, stride_in=2),
        "meliketoy",
        "wrn16_2 (raw projections, stride in conv2)",
        0.2023,
    ),
    "torchdistill": (
        lambda: PreActivation(**WIDE, classifier="fc", raw=True),
        "torchdistill",
        "wrn16_2 (raw projections)",
        0.2470,
    ),
    "bearpaw resnext": (BearpawResNeXt, "bearpaw", "resnext29_8x4d", 0.2023),
}


def test_the_page_and_the_docstring_name_every_layout() -> None:
    layouts = {mapping.name for mapping in (*KEY_MAPPINGS, RESNETZOO)}
    page = (ROOT / "docs" / "how-to" / "checkpoints.md").read_text()
    rows = page.partition("| layout |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| (\w+) \|", rows, re.MULTILINE)) == layouts
    described = (resnetzoo.Origin.__doc__ or "").partition("layout: ")[2].partition("network: ")[0]
    assert set(re.findall(r"`(\w+)`", described)) == layouts


@pytest.mark.parametrize("wrapper", ["", "module."])
@pytest.mark.parametrize("project", LAYOUTS)
def test_a_file_of_a_project_computes_what_its_network_does(tmp_path: Path, project: str, wrapper: str) -> None:
    build, layout, label, deviation = LAYOUTS[project]
    network = build()
    state = {wrapper + name: tensor for name, tensor in network.state.items()}
    torch.save({"net": state, "acc": 95.1, "epoch": 199} if wrapper else state, tmp_path / "weights.pth")
    model = load(tmp_path / "weights.pth")
    assert model.origin is not None
    assert (model.origin.layout, model.spec.label) == (layout, label)
    assert model.origin.opened == (('["net"]', "module.") if wrapper else ())
    told = model.normalization
    assert (None if told is None else told.to_dict()["std"][0]) == deviation
    with torch.inference_mode():
        expected = network(IMAGES)
        torch.testing.assert_close(model(IMAGES), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))
    cost = resnetzoo.complexity(model.spec)
    assert cost.params == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.filterwarnings(
    "ignore:.*torch.jit.script.*:FutureWarning", "ignore:.*torch.jit.script.*:DeprecationWarning"
)
@pytest.mark.parametrize("project", ["kuangliu preact", "meliketoy"])
def test_such_a_network_is_one_of_ours_from_then_on(tmp_path: Path, project: str) -> None:
    torch.save(LAYOUTS[project][0]().state, tmp_path / "weights.pth")
    model = load(tmp_path / "weights.pth")
    resnetzoo.save_weights(model, tmp_path / "ours.safetensors")
    again = load(tmp_path / "ours.safetensors")
    assert again.spec == model.spec
    with torch.inference_mode():
        expected = model(IMAGES)
        assert torch.equal(again(IMAGES), expected)
        optimized = resnetzoo.optimize(model, precision="fp32", compile=False)(IMAGES)
        torch.testing.assert_close(optimized, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))
        scripted = torch.jit.script(model)(IMAGES)
        torch.testing.assert_close(scripted, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def test_biases_say_that_they_were_taken_up(tmp_path: Path) -> None:
    torch.save(LAYOUTS["meliketoy"][0]().state, tmp_path / "weights.pth")
    origin = load(tmp_path / "weights.pth").origin
    assert origin is not None
    assert any("the biases of its convolutions" in note for note in origin.notes)
    assert any("the input of their block itself" in note for note in origin.notes)


@pytest.mark.parametrize("project", ["meliketoy", "torch-uncertainty resnet"])
@pytest.mark.parametrize("name", ["layer1.0.bn1.running_mean", "layer2.0.shortcut.0.weight", "layer1.0.conv2.bias"])
@pytest.mark.parametrize("wrong", ["shape", "missing"])
def test_a_damaged_file_with_biases_is_refused(tmp_path: Path, project: str, name: str, wrong: str) -> None:
    state = dict(LAYOUTS[project][0]().state)
    state[name] = torch.ones(3)
    if wrong == "missing":
        del state[name]
    torch.save(state, tmp_path / "weights.pth")
    if (name, wrong) == ("layer1.0.conv2.bias", "missing"):  # as one of zeros
        assert load(tmp_path / "weights.pth").origin is not None
    else:
        with pytest.raises(
            CheckpointError, match=r"conv1\.bias and \d+ more|layer\d\.0\.|its shortcuts have projections in"
        ):
            resnetzoo.load_checkpoint(tmp_path / "weights.pth")


def test_the_small_resnet18_of_timm_and_detectors(tmp_path: Path) -> None:
    peer = timm.create_model("resnet18", num_classes=100)
    peer.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    peer.maxpool = nn.Identity()
    with_lived_in_norms(peer)
    torch.save(peer.state_dict(), tmp_path / "model.bin")
    model = load(tmp_path / "model.bin")
    assert model.spec == replace(resnetzoo.get_spec("resnet18"), num_classes=100)
    with torch.inference_mode():
        expected = peer(IMAGES)
        torch.testing.assert_close(model(IMAGES), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("name", ["wrn16_10_cifar10", "resnext29_32x4d_cifar10"])
def test_wide_ones_of_pytorchcv(tmp_path: Path, name: str) -> None:
    from pytorchcv.model_provider import get_model

    peer = with_lived_in_norms(get_model(name, pretrained=False))
    torch.save(peer.state_dict(), tmp_path / "weights.pth")
    model = load(tmp_path / "weights.pth")
    assert model.spec.label == name.removesuffix("_cifar10")
    with torch.inference_mode():
        expected = peer(IMAGES)
        torch.testing.assert_close(model(IMAGES), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def test_bearpaws_preactivation_is_told_by_what_its_script_writes(tmp_path: Path) -> None:
    network = PreActivation(
        (2, 2, 2), 16, (16, 32, 64), shortcut="downsample.0", last_norm="bn", classifier="fc", raw=True
    )
    torch.save({"epoch": 164, "state_dict": network.state, "acc": 94.0, "best_acc": 94.2}, tmp_path / "model.pth")
    model = load(tmp_path / "model.pth")
    assert model.spec.label == "preresnet14 (projection, raw projections)"
    with torch.inference_mode():
        expected = network(IMAGES)
        torch.testing.assert_close(model(IMAGES), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))
    torch.save(network.state, tmp_path / "alone.pth")
    with pytest.warns(CheckpointWarning, match="projections take"):
        other = resnetzoo.load_checkpoint(tmp_path / "alone.pth")
    assert other.spec.projection_input == "activated"
    again = resnetzoo.CifarNet(replace(other.spec, projection_input="raw")).eval()  # as the warning says
    again.load_state_dict(other.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(again(IMAGES), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def test_the_wide_resnet_of_torch_uncertainty_is_another(tmp_path: Path) -> None:
    made = PostActivation((2, 2, 2), (16, 32, 64), "linear", bias=True)
    state = {name: tensor for name, tensor in made.state.items() if not re.search(r"shortcut\.1\.", name)}
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(CheckpointError, match="torch-uncertainty's WideResNet"):
        resnetzoo.load_checkpoint(tmp_path / "weights.pth")


def test_timm_refuses_weights_that_compute_otherwise(tmp_path: Path) -> None:
    network = PreActivation((2, 2, 2), 16, (64, 128, 256), classifier="fc", raw=True)
    torch.save(network.state, tmp_path / "weights.pth")
    importlib.import_module("resnetzoo.interop.timm")  # which tells timm of them
    overlay = {"file": str(tmp_path / "weights.pth")}
    with pytest.raises(CheckpointError, match="the layout of torchdistill, whose networks differ from wrn16_4"):
        timm.create_model("resnetzoo_wrn16_4", pretrained=True, pretrained_cfg_overlay=overlay)
