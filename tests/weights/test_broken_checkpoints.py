"""Files that are no network of ours: each message names the cause, and none is a traceback of another kind."""

import gzip
import io
import json
import os
import pickle
import tarfile
import warnings
import zipfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorchcv.model_provider import get_model
from safetensors.torch import save
from torch import Tensor, nn
from torchvision.models import resnet18, resnext50_32x4d, squeezenet1_0, vgg11_bn, wide_resnet50_2

import resnetzoo
from resnetzoo import CheckpointError, ModelSpec

State = dict[str, Tensor]


class RunsCode:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def saved(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


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


def tarred(*names: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return buffer.getvalue()


def arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, weight=np.zeros(3))
    return buffer.getvalue()


def scripted() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its own scripting deprecated
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), buffer)
    return buffer.getvalue()


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def damaged_middle() -> bytes:
    content = bytearray(saved(state()))
    content[200:400] = bytes(200)
    return bytes(content)


def on_meta(build: Callable[[], nn.Module]) -> State:
    """Names and shapes of a large network, with one number each for its values."""
    with torch.device("meta"):
        network = build()
    return {name: torch.zeros(()).expand(tensor.shape) for name, tensor in network.state_dict().items()}


def kuangliu() -> State:
    """A 4-stage network behind a 3x3 stem, as in github.com/kuangliu/pytorch-cifar."""
    tensors = on_meta(lambda: resnet18(num_classes=10))
    tensors["conv1.weight"] = torch.zeros(64, 3, 3, 3)
    return {name.replace("downsample", "shortcut").replace("fc.", "linear."): t for name, t in tensors.items()}


def training_state(identity: object, model: object = None) -> dict[str, object]:
    normalization = {"kind": "channel", "mean": torch.zeros(3, 1, 1), "std": torch.ones(3, 1, 1)}
    values = {"identity": identity, "step": 1, "model": model, "optimizer": {}, "rows": [], "totals": {}}
    return {"format": "resnetzoo-checkpoint-1", "normalization": normalization, **values}


def self_holding() -> dict[str, object]:
    content: dict[str, object] = {"epoch": 1}
    content["model"] = content
    return content


GOOD = saved(state())
RESNET14 = {"spec": ModelSpec("residual", 14).to_dict()}
FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty: 0 bytes found"),
    "truncated": (GOOD[:-500], r"truncated or damaged, [\d,]+ bytes found \(an archive without its end\)"),
    "truncated early": (GOOD[:100], "truncated or damaged, 100 bytes found"),
    "truncated legacy": (pickle.dumps(119547037146038801333356, protocol=2), "truncated or damaged, 15 bytes found"),
    "damaged in the middle": (damaged_middle(), "truncated or damaged|lacks"),
    "text": (b"accuracy 91.73\n", r"truncated or damaged, 15 bytes found \(text: 'accuracy 91.73"),
    "bytes": (bytes(range(1, 200)), "neither an archive of torch.save nor a pickle"),
    "web page": (b"\n<!DOCTYPE html><html>Sign in</html>", "a web page, not a checkpoint; .*download the file itself"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", "pointer of Git LFS.*git lfs pull"),
    "page behind a byte order mark": (b"\xef\xbb\xbf<html>", "a web page"),
    "page in UTF-16": ("<html>".encode("utf-16"), "a web page"),
    "page with a comment": (b"<!-- moved --><html>", "a web page"),
    "page without its beginning": (b"<head><title>404", "a web page"),
    "JSON": (b'{"error": "not found"}', "a text in JSON"),
    "gzip": (gzip.compress(GOOD), "compressed by gzip; unpack it first"),
    "tar": (tarred("weights.pt"), "a tar archive; unpack it"),
    "tar of torch": (tarred("sys_info", "pickle", "tensors", "storages"), "a tar archive of torch before 0.2"),
    "npy": (b"\x93NUMPY\x01\x00v\x00", r"an array of numpy \(\.npy\)"),
    "npz": (arrays(), r"an archive of numpy \(\.npz\)"),
    "HDF5": (b"\x89HDF\r\n\x1a\n\x00", "a file of HDF5"),
    "ONNX": (b"\x08\x0a\x12\x07pytorch\x1a\x06", "a network in ONNX"),
    "JPEG": (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG image"),
    "torch.export": (zipped(**{"net/archive_format": "pt2"}), r"a program of torch\.export, .*export\.load"),
    "another zip": (zipped(readme="hello"), "a zip archive, but none of torch.save: it holds readme"),
    "TorchScript": (scripted(), "a TorchScript program, not weights; .*jit.load"),
    "pickled module": (saved(nn.Linear(2, 2)), r"refused: .* code of torch\.nn\.modules\.linear\.Linear.*state_dict"),
    "forbidden global": (saved({"net": RunsCode()}), r"refused: .* asks for the code of (posix|nt)\.system"),
    "forbidden option": (saved({"args": Namespace(hook=RunsCode()), "net": state()}), r"code of (posix|nt)\.system"),
    "numpy array": (saved({"acc": np.ones(2), "net": state()}), r"code of numpy\._?core\.multiarray\._reconstruct"),
    "plain pickle": (pickle.dumps({"a": RunsCode()}), "a pickle, but none of torch.save"),
    "safetensors named .pt": (save(state()), "a file of safetensors; let its name end in .safetensors"),
}

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
    "unknown key": (lambda: {"student": state()}, r"under a key that is not looked into, 'student'; .*\['student'\]"),
    "missing tensor": (lambda: without("layer2.1.bn2.bias"), r"those of resnet14, but it lacks layer2\.1\.bn2\.bias"),
    "missing norm": (lambda: without("layer2.1.bn2"), r"lacks layer2\.1\.bn2\.bias and 3 more"),
    "missing block": (lambda: without("layer3.1."), "stages have 2, 2 and 1 blocks"),
    "gap": (lambda: without("layer1.0."), r"lacks the block layer1\.0, though layer1\.1 is there"),
    "gap behind": (
        lambda: {name.replace("layer1.1.", "layer1.2."): tensor for name, tensor in state().items()},
        r"lacks the block layer1\.1, though layer1\.2 is there",
    ),
    "missing stage": (lambda: without("layer3."), r"it has 2 stages \(layer1, layer2\)"),
    "missing classifier": (lambda: without("fc."), r"no classifier, fc\.weight"),
    "missing stem": (lambda: without_stem("conv1."), r"no first convolution, conv1\.weight"),
    "missing norm of the stem": (lambda: without_stem("bn1."), "pre-activation network one .*this has neither"),
    "missing first convolution": (lambda: without("layer2.0.conv1."), r"lacks layer2\.0\.conv1\.weight"),
    "extra layer": (
        lambda: {**state(), "attention.weight": torch.zeros(2, 2)},
        "resnet14, but it has what belongs to none, attention.weight",
    ),
    "two classifiers": (
        lambda: {**state(), "linear.weight": torch.zeros(10, 64), "linear.bias": torch.zeros(10)},
        r"two sets of weights for one layer: fc\.weight and linear\.weight",
    ),
    "another kernel": (
        lambda: changed("layer2.1.conv2.weight", torch.zeros(32, 32, 5, 5)),
        r"layer2\.1\.conv2\.weight has the shape \[32, 32, 5, 5\], where resnet14 .* has \[32, 32, 3, 3\]",
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
        r"its 122 names, such as resnet\.conv1\.weight, .* of no layout that is known",
    ),
    "one tensor too many under a word": (
        lambda: prefixed("resnet.", {**state(), "scale": torch.zeros(1)}),
        "of no layout that is known",
    ),
    "a second classifier beside a word": (
        lambda: {**prefixed("resnet.", state()), "head.weight": torch.zeros(2, 10)},
        "of no layout that is known",
    ),
    "student and teacher under words": (
        lambda: {**prefixed("student.", state()), **prefixed("teacher.", state())},
        "of no layout that is known",
    ),
    "compiled and not": (
        lambda: {**state(), "layer1._orig_mod.0.conv1.weight": torch.zeros(16, 16, 3, 3)},
        r"two sets of weights for one layer: layer1\.0\.conv1\.weight, with and without layer1\._orig_mod\.0",
    ),
    "biased convolutions": (
        lambda: {**state(), "conv1.bias": torch.zeros(16)},
        r"convolutions have biases \(conv1\.bias\)",
    ),
    "group norm": (
        lambda: without("running"),
        "norms without running statistics",
    ),
    "layers by number": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2)).state_dict(),
        r"its 4 names, such as 0\.weight, .* of no layout that is known \(pytorchcv, akamaster, torchvision\)",
    ),
    "ImageNet ResNet": (
        lambda: on_meta(resnet18),
        r"a 4-stage ImageNet ResNet \(resnet18\) of 18 layers in basic blocks, with a 7x7 stem of 64 channels",
    ),
    "kuangliu": (kuangliu, r"a 4-stage ImageNet ResNet \(resnet18\) .* with a 3x3 stem of 64 channels; load it with"),
    "ResNeXt": (lambda: on_meta(resnext50_32x4d), r"a ResNeXt \(3x3 convolutions in 32 groups\)"),
    "Wide ResNet": (
        lambda: on_meta(lambda: get_model("wrn16_10_cifar10")),
        r"a Wide ResNet \(stages of 160, 320, 640 channels behind a stem of 16, 10 times as wide\)",
    ),
    "Wide ResNet by its names": (lambda: {"block1.layer.0.conv1.weight": torch.zeros(8, 8, 3, 3)}, "a Wide ResNet"),
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
        r"a PyramidNet or alike, which widens from block to block \(17, 18, \.\.\. channels\)",
    ),
    "DenseNet of pytorchcv": (
        lambda: on_meta(lambda: get_model("densenet40_k12_cifar10")),
        "of no layout that is known",
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
    "spec of a word": (lambda: training_state({"spec": "x"}), "its spec is none that this .*: 'x'"),
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


@pytest.mark.parametrize("kind", FILES)
def test_broken_files(tmp_path: Path, kind: str) -> None:
    content, message = FILES[kind]
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as refused:
        resnetzoo.load_checkpoint(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", CONTENTS)
def test_files_of_other_contents(tmp_path: Path, kind: str) -> None:
    content, message = CONTENTS[kind]
    path = tmp_path / "weights.pt"
    torch.save(content(), path)
    with pytest.raises(CheckpointError, match=message) as refused:
        resnetzoo.load_checkpoint(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert str(refused.value).count(str(path)) == 1
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vit_tiny_patch16_224", "it is a transformer"),
        ("efficientnet_b0", "it is a MobileNet, an EfficientNet or alike"),
        ("mobilenetv3_small_100", "it is a MobileNet, an EfficientNet or alike"),
        ("convnext_pico", "it is a ConvNeXt or alike"),
        ("skresnet18", "a 4-stage relative of the ImageNet ResNets"),
        ("resnet50_gn", "a 4-stage ImageNet ResNet of 50 layers"),
    ],
)
def test_networks_of_timm(tmp_path: Path, name: str, message: str) -> None:
    timm = pytest.importorskip("timm")
    torch.save(on_meta(lambda: timm.create_model(name)), tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match=message):
        resnetzoo.load_checkpoint(tmp_path / "weights.pt")


def test_an_unsupported_network_is_held_against_the_name_of_its_file(tmp_path: Path) -> None:
    torch.save(kuangliu(), tmp_path / "resnet56.pt")
    with pytest.raises(CheckpointError, match="not the resnet of 56 layers that its name says"):
        resnetzoo.load_checkpoint(tmp_path / "resnet56.pt")


SAFETENSORS: dict[str, tuple[bytes, str]] = {
    "truncated": (save(state())[:-9], r"truncated, damaged or not of safetensors, [\d,]+ bytes found"),
    "text": (b"hello world, this is text", "truncated, damaged or not of safetensors, 25 bytes found"),
    "empty": (b"", "empty: 0 bytes found"),
    "web page": (b"<!DOCTYPE html><html>", "a web page, not a checkpoint"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", "pointer of Git LFS"),
    "of torch": (GOOD, "a file of torch.save .* name it .pt"),
    "spec is no JSON": (save(state(), {"spec": "{"}), "the spec in its metadata is no JSON"),
    "spec of another version": (save(state(), {"spec": '{"family": "dense"}'}), "its spec is none that this version"),
    "another network than its spec": (
        save(state(), {"spec": json.dumps(ModelSpec("residual", 20).to_dict())}),
        r"those of resnet20, but it lacks layer1\.2\.bn1\.bias and",
    ),
    "half a normalization": (
        save(
            state(), {"spec": json.dumps(ModelSpec("residual", 14).to_dict()), "normalization": '{"kind": "channel"}'}
        ),
        "the normalization in its metadata cannot be read",
    ),
    "classes that are no names": (
        save(state(), {"spec": json.dumps(ModelSpec("residual", 14).to_dict()), "classes": "[1, 2]"}),
        r"the classes in its metadata are no list of names: \[1, 2\]",
    ),
    "too few classes": (
        save(state(), {"spec": json.dumps(ModelSpec("residual", 14).to_dict()), "classes": '["cat", "dog"]'}),
        "its metadata names 2 classes for a network of 10",
    ),
}


@pytest.mark.parametrize("kind", SAFETENSORS)
def test_broken_safetensors(tmp_path: Path, kind: str) -> None:
    content, message = SAFETENSORS[kind]
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as refused:
        resnetzoo.load_checkpoint(path)
    assert str(refused.value).startswith(f"{path}: ")


@pytest.mark.parametrize("last", [0x80, 0x50, 0x1F, 0x3C, 0x7B, 0x5B])
def test_the_length_of_a_safetensors_header_is_no_other_kind(tmp_path: Path, last: int) -> None:
    """Its lowest byte stands where others have their magic number."""
    path = tmp_path / "weights.SAFETENSORS"
    content = save(state())
    end = 8 + int.from_bytes(content[:8], "little")
    header = content[8:end] + b" " * ((last - end + 8) % 256)
    path.write_bytes(len(header).to_bytes(8, "little") + header + content[end:])
    assert resnetzoo.load_checkpoint(path).spec.depth == 14


def test_places_without_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere\.pt: no such checkpoint"):
        resnetzoo.load_checkpoint("nowhere.pt")
    with pytest.raises(CheckpointError, match="cannot be read: File name too long"):
        resnetzoo.load_checkpoint("n" * 500)
    with pytest.raises(CheckpointError, match=r"a folder without checkpoint\.pt$"):
        resnetzoo.load_checkpoint(tmp_path)
    (tmp_path / "model_best.pth").touch()
    with pytest.raises(CheckpointError, match=r"a folder without checkpoint\.pt; give one of its files: model_best"):
        resnetzoo.load_checkpoint(tmp_path)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(GOOD)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    with pytest.raises(CheckpointError, match=r"weights\.pt: cannot be read: Permission denied"):
        resnetzoo.load_checkpoint(path)
