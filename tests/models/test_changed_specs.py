"""No spec describes a network whose modules or settings were changed: nothing says that it is one of its spec."""

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import TINY_RECIPE, lived_in
from changed_networks import COMPUTED, HOOKS, SPEC, changed
from torch import nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

import resnetzoo
from resnetzoo import export, plots
from resnetzoo.inference.predictor import model_title
from resnetzoo.models.fingerprint import true_row
from resnetzoo.models.introspection import known_spec

Network = resnetzoo.CifarNet


class Pooled(nn.Module):
    """A shortcut without weights that averages where option A takes every second position."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pad(F.avg_pool2d(x, 2), (0, 0, 0, 0, 8, 8))


def with_strided_stem(model: Network) -> None:
    weight = model.conv1.weight
    model.conv1 = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
    model.conv1.weight = weight  # type: ignore[assignment]


def of_stride_1(model: Network) -> None:
    model.layer2[0].conv1.stride = (1, 1)  # type: ignore[union-attr]
    model.layer2[0].downsample.stride = 1  # type: ignore[union-attr]


CHANGES: dict[str, tuple[Callable[[Network], object], str]] = {
    "stride of the stem": (with_strided_stem, r"conv1 has stride \(2, 2\), not \(1, 1\)"),
    "stride of a stage": (of_stride_1, r"layer2\.0\.conv1 has stride \(1, 1\), not \(2, 2\)"),
    "stride of a shortcut": (
        lambda model: setattr(model.layer2[0].downsample, "stride", 1),
        r"layer2\.0\.downsample has stride 1, not 2",
    ),
    "shortcut": (
        lambda model: setattr(model.layer2[0], "downsample", Pooled()),
        r"layer2\.0\.downsample is of the class Pooled",
    ),
    "dilation": (lambda model: setattr(model.conv1, "dilation", (2, 2)), r"conv1 has dilation \(2, 2\), not \(1, 1\)"),
    "padding": (lambda model: setattr(model.conv1, "padding_mode", "circular"), "conv1 has padding_mode circular"),
    "epsilon": (lambda model: setattr(model.bn1, "eps", 0.1), r"bn1 has eps 0\.1, not 1e-05"),
    "channels in front": (
        lambda model: vars(model.layer2[0].downsample).update(front=0, back=16),
        r"layer2\.0\.downsample has front 0, not 8",
    ),
    "order of stages": (
        lambda model: setattr(model, "stage_names", ["layer1", "layer2", "layer3", "layer3"]),
        r"it has stage_names \['layer1', 'layer2', 'layer3', 'layer3'\], not \['layer1', 'layer2', 'layer3'\]",
    ),
    "activation": (lambda model: setattr(model, "relu", nn.GELU()), "relu is of the class GELU"),
    "no activation": (lambda model: delattr(model, "relu"), "relu is missing"),
    "forward pass": (lambda model: setattr(model, "forward_head", lambda features: features), "has another forward"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "ask", [resnetzoo.complexity, plots.draw, resnetzoo.export_safetensors], ids=lambda ask: ask.__name__
)
def test_who_asks_for_a_spec_is_told_of_the_change(change: str, ask: Callable[..., object], tmp_path: Path) -> None:
    model = resnetzoo.create("resnet20")
    make, words = CHANGES[change]
    make(model)
    rest = () if ask is not resnetzoo.export_safetensors else (tmp_path / "a.safetensors",)
    with pytest.raises(resnetzoo.UsageError, match=words):
        ask(nn.DataParallel(model), *rest)
    assert known_spec(model) is None


@pytest.mark.parametrize("change", ["stride of the stem", "stride of a stage", "shortcut", "epsilon", "activation"])
def test_an_exported_change_is_of_no_spec_and_of_no_row(change: str, tmp_path: Path) -> None:
    model = resnetzoo.create("resnet20", weights=True)
    classes = model.classes
    CHANGES[change][0](model)
    assert true_row(model) is None
    assert model_title(model).startswith("resnet20, changed after it was loaded as resnet20.")
    facts = {"resnetzoo.json": ""}
    export.export_program(model, tmp_path / "a.pt2")
    run = torch.export.load(tmp_path / "a.pt2", extra_files=facts).module()
    found = json.loads(facts["resnetzoo.json"])
    assert set(found) == {"resnetzoo", "input", "input_size", "normalization", "classes"}
    assert tuple(json.loads(found["classes"])) == classes
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(run(images), model.eval()(images), rtol=1e-4, atol=1e-4)


def test_an_optimized_network_says_as_much_of_it_as_a_spec_can() -> None:
    model = lived_in(SPEC)
    model.fc = nn.Linear(32, 7)
    model.layer1[0].conv1.stride = (1, 1)  # type: ignore[union-attr]
    model.bn1.eps = 0.1  # type: ignore[union-attr]
    assert resnetzoo.optimize(model, compile=False).spec == replace(SPEC, num_classes=7)


def test_a_run_of_a_changed_network_does_not_have_the_name_of_its_spec(tiny_data: resnetzoo.Data) -> None:
    model = resnetzoo.create("resnet8", num_classes=len(tiny_data.classes))
    with_strided_stem(model)
    run = resnetzoo.fit(model, tiny_data, TINY_RECIPE, device="cpu", progress=False)
    assert run.spec is None
    assert run.name == "resnet8 (projection), changed"


SETTINGS: dict[str, tuple[dict[str, Any], Callable[[Network], object], str]] = {
    "groups of a norm": (
        {"family": "residual", "norm": "group"},
        lambda model: setattr(model, "bn1", nn.GroupNorm(8, 16)),
        "bn1 has num_groups 8, not 16",
    ),
    "input of a projection": (
        {"family": "preactivation", "shortcut": "projection"},
        lambda model: setattr(model.layer2[0], "project_activated", False),
        r"layer2\.0 has project_activated False, not True",
    ),
}


@pytest.mark.parametrize("change", SETTINGS)
def test_settings_that_only_some_networks_have_count(change: str, tmp_path: Path) -> None:
    choices, make, words = SETTINGS[change]
    model = resnetzoo.CifarNet(resnetzoo.ModelSpec(depth=8, **choices))
    assert known_spec(model) == model.spec
    make(model)
    with pytest.raises(resnetzoo.UsageError, match=words):
        resnetzoo.save_weights(model, tmp_path / "a.safetensors")


SAME: dict[str, Callable[[Network], nn.Module]] = {
    "bf16": lambda model: model.bfloat16(),
    "half": lambda model: model.half(),
    "channels last": lambda model: model.to(memory_format=torch.channels_last),  # type: ignore[call-overload]
    "on meta": lambda model: model.to("meta"),
    "copied": copy.deepcopy,
    "frozen, in evaluation": lambda model: model.requires_grad_(False).eval(),
    "compiled": torch.compile,
    "averaged": torch.optim.swa_utils.AveragedModel,
    "synchronized": nn.SyncBatchNorm.convert_sync_batchnorm,
    "other settings of training": lambda model: vars(model.bn1).update(momentum=0.01) or model,
    "in place": lambda model: setattr(model.relu, "inplace", True) or model,
    "padding in words": lambda model: setattr(model.conv1, "padding", "same") or model,
}


@pytest.mark.parametrize("make", SAME.values(), ids=SAME)
def test_what_computes_the_same_is_of_its_spec(make: Callable[[Network], nn.Module]) -> None:
    model = make(lived_in(SPEC))
    assert known_spec(model) == SPEC
    assert resnetzoo.complexity(model) == resnetzoo.complexity(SPEC)


@pytest.mark.parametrize("hook", HOOKS)
def test_hooks_are_of_no_spec(hook: str) -> None:
    assert known_spec(changed(hook)) == SPEC


@pytest.mark.parametrize("change", COMPUTED)
def test_computed_weights_are_exported_with_their_spec(change: str) -> None:
    facts = export.subject.subject_of(changed(change)).facts
    assert resnetzoo.ModelSpec.from_dict(json.loads(facts["spec"])) == SPEC


def test_settings_of_synchronized_norms_count() -> None:
    model = nn.SyncBatchNorm.convert_sync_batchnorm(lived_in(SPEC))
    model.bn1.eps = 0.1
    assert known_spec(model) is None


COPIES: dict[str, Callable[[Network], nn.Module]] = {
    "copy.deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "averaged": lambda model: torch.optim.swa_utils.AveragedModel(model).module,
}


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_a_copy_of_a_network_compiled_in_place_computes_with_its_own_weights(
    make: Callable[[Network], Network],
) -> None:
    model = lived_in(SPEC).eval()
    model.compile(backend="eager")
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        before = model(images)
        copied = make(model)
        nn.init.zeros_(copied.fc.weight)
        after = copied(images)
        torch.testing.assert_close(after, copied.forward(images))
        assert not torch.allclose(after, before)


@pytest.mark.filterwarnings("ignore:torch.*deprecated")
def test_a_network_quantized_by_torch_is_of_no_row() -> None:
    model = torch.ao.quantization.quantize_dynamic(resnetzoo.create("resnet20", weights=True), {nn.Linear})  # type: ignore[no-untyped-call]
    assert true_row(model) is None
    assert model_title(model) == "resnet20, changed after it was loaded as resnet20.modern_c10"


def test_other_words_for_the_same_are_no_change(tmp_path: Path) -> None:
    """A square pool as torchvision writes it, and a rate of dropout, which only training uses."""
    model = resnetzoo.create("wrn16_2", drop_rate=0.3)
    model.avgpool = nn.AdaptiveAvgPool2d((1, 1))
    model.layer1[0].drop.p = 0.1  # type: ignore[union-attr, assignment]
    assert known_spec(model) == model.spec
    resnetzoo.save_weights(model, tmp_path / "a.safetensors")
