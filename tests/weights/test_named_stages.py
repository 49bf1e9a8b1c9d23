"""The stages, groups and widths that a name means are held against the weights."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch
from foreign_networks import assert_same_logits, load, ours

import resnetzoo
from resnetzoo import CheckpointError, CheckpointWarning, ModelSpec
from resnetzoo.models.spec import Family, Shortcut
from resnetzoo.weights.checkpoint.network_name import parse_network_name

CASES = ("name", "spec", "message")


def network_of(spec: ModelSpec | str) -> resnetzoo.CifarNet:
    """In evaluation mode; projections of pre-activation networks are left out, since a warning is about those alone."""
    found = resnetzoo.get_spec(spec) if isinstance(spec, str) else spec
    return ours(replace(found, shortcut="identity") if found.norm_first else found)


def of_groups(groups: int, width: int) -> ModelSpec:
    return replace(resnetzoo.get_spec("resnext29_32x4d"), groups=groups, width_per_group=width)


def wide(layers: int, factor: int) -> ModelSpec:
    """A Wide ResNet in the terms of pre-activation networks, as it is recognized where its factor is 1."""
    return ModelSpec("preactivation", 6 * layers + 2, widths=(16 * factor, 32 * factor, 64 * factor))


@pytest.mark.parametrize(
    CASES,
    [
        ("resnet8x4", "resnet8", r"x4, of widths \(64, 128, 256\), but .* of resnet8 .*, of widths \(16, 32, 64\)"),
        ("ResNet8x4_cifar100", "resnet8", r"of widths \(64, 128, 256\), but .*, of widths \(16, 32, 64\)"),
        ("resnet14x2", "resnet14", r"of widths \(32, 64, 128\), but .*, of widths \(16, 32, 64\)"),
        ("resnext29_8x64d", of_groups(32, 4), "of 8 groups of 64 channels, but .* of 32 groups of 4 channels"),
        ("ResNeXt29_2x64d", of_groups(4, 32), "of 2 groups of 64 channels, but .* of 4 groups of 32 channels"),
        ("resnext29_32x4d", "resnet50", "says resnext29_32x4d, but .* those of resnet50"),
        ("resnext50_32x4d", "resnet50", "of 32 groups of 4 channels, but .* 1 group of 64 channels"),
        ("resnet50", ModelSpec("residual", 50), r"of bottleneck blocks, but .* \(three stages\), .*, of basic blocks"),
        ("resnet18", ModelSpec("residual", 20), "says resnet18, but .* those of resnet20"),
        ("resnet164", ModelSpec("residual", 164), "of bottleneck blocks, but .* of basic blocks"),
        ("cifar_resnet164", ModelSpec("residual", 164), "of bottleneck blocks, but .* of basic blocks"),
        ("resnet110", ModelSpec("residual", 110, block="bottleneck"), "of basic blocks, but .* of bottleneck blocks"),
        ("wrn16_4", "wrn16_2", r"of widths \(64, 128, 256\), but .* those of wrn16_2.*, of widths \(32, 64, 128\)"),
        ("WRN-22-2", "wrn16_2", r"of \(3, 3, 3\) blocks in its stages, but .* of \(2, 2, 2\)"),
        ("wide_resnet_28_2", "wrn40_2", r"of \(4, 4, 4\) blocks in its stages, but .* of \(6, 6, 6\)"),
        ("preact_resnet18", ModelSpec("preactivation", 20), "says preact_resnet18, but .* those of preresnet20"),
    ],
)
def test_stages_that_contradict_the_name(name: str, spec: ModelSpec | str, message: str) -> None:
    network = network_of(spec)
    content = {"arch": name, "state_dict": network.state_dict()}
    with pytest.raises(CheckpointError, match=message) as refused:
        resnetzoo.load_checkpoint(content)
    cure: Family = str(refused.value).rsplit('family="')[1].split('"')[0]  # type: ignore[assignment]
    with pytest.warns(CheckpointWarning, match=f"as asked for, but its arch says {name}"):
        assert_same_logits(resnetzoo.load_checkpoint(content, family=cure), network)


@pytest.mark.parametrize("name", resnetzoo.list_models())
def test_each_name_fits_its_own_network_however_it_is_written(name: str) -> None:
    spec = resnetzoo.get_spec(name)
    shortcuts = get_args(Shortcut) if spec.has_shortcuts else ("identity",)
    written = (name, f"resnetzoo_{name}", name.upper(), f"cifar10_{name}", f"{name}_cifar100", f"{name}.best")
    for shortcut in shortcuts:
        network = replace(spec, shortcut=shortcut, num_classes=7, in_chans=1)
        for word in (*written, network.label):
            found = parse_network_name(word)
            assert found is not None, word
            assert found.fits(network), word
    for other in map(resnetzoo.get_spec, resnetzoo.list_models()):
        for word in written:
            found = parse_network_name(word)
            assert found is not None
            if found.fits(other) and other.family == spec.family:
                same = (other.block, other.groups, [stage.blocks for stage in other.stages])
                assert same == (spec.block, spec.groups, [stage.blocks for stage in spec.stages]), word
                assert other.widths == spec.widths or not {"x", "w"} & set(word.lower().removeprefix("resnetzoo_")), (
                    word
                )


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("resnet50 (three stages)", ModelSpec("residual", 50)),
        ("wide_resnet16_1", wide(2, 1)),
        ("WRN-22-2", wide(3, 2)),
        ("wrn40_2", wide(6, 2)),
        ("resnext20_1x64d_cifar10", ModelSpec("residual", 20, block="bottleneck", widths=(64, 128, 256))),
        ("resnext29_4x32d", of_groups(4, 32)),
        ("resnet14x4", ModelSpec("residual", 14, shortcut="projection", widths=(64, 128, 256))),
        ("wide_resnet50_2", replace(resnetzoo.get_spec("resnet50"), width_per_group=128)),
        ("resnet101", ModelSpec("residual", 101, block="bottleneck")),
    ],
    ids=range(9),  # which pytest's folders are called, whose names say something, too
)
def test_names_that_fit(tmp_path: Path, name: str, spec: ModelSpec) -> None:
    network = network_of(spec)
    torch.save({"arch": name, "state_dict": network.state_dict()}, tmp_path / "weights.pt")
    assert_same_logits(load(tmp_path / "weights.pt"), network)


def test_other_widths_than_those_of_the_name_are_warned_of() -> None:
    network = ours(ModelSpec("residual", 8, shortcut="projection", widths=(8, 16, 32)))
    warning = r"its arch says resnet8, which has widths \(16, 32, 64\) here, the weights have widths \(8, 16, 32\)"
    with pytest.warns(CheckpointWarning, match=warning):
        model = resnetzoo.load_checkpoint({"arch": "resnet8", "state_dict": network.state_dict()})
    assert_same_logits(model, network)


@pytest.mark.parametrize(
    CASES,
    [
        ("resnet8x4_best.pth", "resnet8", r"resnet8x4, of widths \(64, 128, 256\), the weights are of widths \(16,"),
        ("resnext29_8x64d.pth", "resnext29_32x4d", "of 8 groups of 64 channels, the weights are of 32 groups of 4"),
        ("wrn-16-4.pth", "wrn16_2", r"says wrn-16-4, of widths \(64, 128, 256\), the weights are of widths \(32, "),
        ("wrn-16-4.pth", "resnet14", "the name says wrn, the weights were loaded as resnet14"),
        ("resnet50.pth", ModelSpec("residual", 50), "resnet50, of bottleneck blocks, the weights are of basic blocks"),
    ],
)
def test_names_of_files_are_held_against_the_stages(
    tmp_path: Path, name: str, spec: ModelSpec | str, message: str
) -> None:
    torch.save(network_of(spec).state_dict(), tmp_path / name)
    with pytest.warns(CheckpointWarning, match=message):
        resnetzoo.load_checkpoint(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("wide-resnet-16x2.pth", "wrn16_2"),
        ("WRN-16-2.pth", "wrn16_2"),
        ("wideresnet16_2-seed3.pth", "wrn16_2"),
        ("resnet20x10epochs.pth", ModelSpec("residual", 20)),
        ("resnet50 (three stages).pth", ModelSpec("residual", 50)),
    ],
    ids=range(5),
)
def test_names_of_files_that_say_nothing_wrong(tmp_path: Path, name: str, spec: ModelSpec | str) -> None:
    network = network_of(spec)
    torch.save(network.state_dict(), tmp_path / name)
    assert_same_logits(load(tmp_path / name), network)


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec("residual", 164),
        ModelSpec("residual", 110, "bottleneck", "projection"),
        ModelSpec("residual", 20, widths=(64, 128, 256)),
        replace(resnetzoo.get_spec("resnet50"), width_per_group=128),
    ],
    ids=lambda spec: spec.label,
)
def test_labels_of_this_package_are_true_of_their_networks(tmp_path: Path, spec: ModelSpec) -> None:
    state = resnetzoo.CifarNet(spec).state_dict()
    assert resnetzoo.load_checkpoint({"arch": spec.label, "state_dict": state}).spec == spec
    torch.save(state, tmp_path / f"{spec.label}.pth")
    assert resnetzoo.load_checkpoint(tmp_path / f"{spec.label}.pth").spec == spec


@pytest.mark.parametrize("name", ["resnet20_from_wrn40_2", "wrn40_2_to_resnet20", "student_resnet20_teacher_wrn_40_2"])
def test_names_of_a_student_and_its_teacher_are_true_of_either(tmp_path: Path, name: str) -> None:
    torch.save(resnetzoo.create("resnet20").state_dict(), tmp_path / f"{name}.pth")
    assert resnetzoo.load_checkpoint(tmp_path / f"{name}.pth").spec.label == "resnet20"
