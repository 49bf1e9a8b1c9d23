"""The network that a checkpoint names: it decides where the weights leave it open, else it is held against them."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from foreign_networks import IMAGES, assert_same_logits, load, ours
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

import resnetzoo
from resnetzoo import CheckpointError, CheckpointWarning, ModelSpec
from resnetzoo.models.spec import Family
from resnetzoo.weights.checkpoint.network_name import parse_network_name

PLAIN, RESIDUAL = ours(ModelSpec("plain", 20)), ours(ModelSpec("residual", 20))
WRITERS: dict[Family, resnetzoo.CifarNet] = {"plain": PLAIN, "residual": RESIDUAL}
FAMILY_WORDS: dict[Family, str] = {"plain": "plainnet20", "residual": "resnet20"}

State = dict[str, Tensor]
FORMS: dict[str, Callable[[str, State], object]] = {
    "arch": lambda name, state: {"arch": name, "state_dict": state},
    "model_name": lambda name, state: {"model_name": name, "model": state, "epoch": 3},
    "architecture": lambda name, state: {"architecture": name, "net": state},
    "model beside state_dict": lambda name, state: {"model": name, "state_dict": state},
    "args, a dictionary": lambda name, state: {"args": {"arch": name, "lr": 0.1}, "state_dict": state},
    "args, a Namespace": lambda name, state: {"args": Namespace(arch=name, lr=0.1), "state_dict": state},
    "args.model": lambda name, state: {"args": Namespace(model=name), "model": state},
    "args.model_name": lambda name, state: {"args": Namespace(model_name=name), "model": state},
    "timm": lambda name, state: {
        "epoch": 2,
        "arch": f"resnetzoo_{name}",
        "state_dict": state,
        "version": 2,
        "args": Namespace(model=f"resnetzoo_{name}", aa=None),
    },
    "timm, whose arch is a class": lambda name, state: {
        "arch": "cifarnet",
        "state_dict": state,
        "args": Namespace(model=f"resnetzoo_{name}"),
    },
    "lightning": lambda name, state: {
        "pytorch-lightning_version": "2.4.0",
        "state_dict": {f"model.{key}": value for key, value in state.items()},
        "hyper_parameters": {"arch": name, "lr": 0.1},
    },
    "lightning's command line": lambda name, state: {
        "state_dict": {f"net.{key}": value for key, value in state.items()},
        "hyper_parameters": {"net": {"class_path": "Net", "init_args": {"arch": name}}},
    },
    "a section of a configuration": lambda name, state: {"config": {"model": {"name": name}}, "weights": state},
    "DataParallel": lambda name, state: {
        "arch": name,
        "state_dict": {f"module.{key}": value for key, value in state.items()},
    },
    "DataParallel in the name": lambda name, state: {"arch": f"DataParallel({name})", "state_dict": state},
    "inside": lambda name, state: {"model": {"arch": name, "state_dict": state}},
    "beside the weights themselves": lambda name, state: {"arch": name, **state},
    "distillation": lambda name, state: {"opt": Namespace(model_s=name, model_t="preresnet56"), "model": state},
    "spec": lambda name, state: {"spec": resnetzoo.get_spec(name).to_dict(), "state_dict": state},
}


@pytest.mark.parametrize("family", WRITERS)
@pytest.mark.parametrize("form", FORMS)
def test_the_name_decides_where_the_weights_leave_it_open(tmp_path: Path, form: str, family: Family) -> None:
    writer = WRITERS[family]
    torch.save(FORMS[form](FAMILY_WORDS[family], writer.state_dict()), tmp_path / "weights.pt")
    model = load(tmp_path / "weights.pt")
    assert model.spec == writer.spec
    assert_same_logits(model, writer)
    assert f"; {family}, as its " in str(model.origin)
    assert "has the same names and shapes" not in str(model.origin)


@pytest.mark.parametrize("metadata", [{"arch": "plainnet20"}, {"config": '{"model": {"arch": "plainnet20"}}'}])
def test_metadata_of_safetensors_name_it_too(tmp_path: Path, metadata: dict[str, str]) -> None:
    save_file(PLAIN.state_dict(), tmp_path / "weights.safetensors", metadata)
    assert_same_logits(load(tmp_path / "weights.safetensors"), PLAIN)


def test_the_two_networks_differ() -> None:
    with torch.inference_mode():
        assert not torch.allclose(PLAIN(IMAGES), RESIDUAL(IMAGES), atol=0.1)


@pytest.mark.parametrize(
    ("name", "spec", "message"),
    [
        ("plainnet56", ModelSpec("plain", 20), "its arch says plainnet56, but .* those of resnet20, a 20-layer"),
        ("resnet56", ModelSpec("residual", 20), "its arch says resnet56, but .* those of resnet20"),
        ("preresnet20", ModelSpec("residual", 20), "its arch says preresnet20, but .* those of resnet20"),
        ("resnet20", ModelSpec("preactivation", 20), 'says resnet20, but .* of preresnet20, .*family="preactivation"'),
        ("resnet20_option_b", ModelSpec("residual", 20), "says resnet20_option_b, but .* those of resnet20"),
        ("resnet20_option_a", ModelSpec("residual", 20, shortcut="projection"), r"of resnet20 \(projection\)"),
        ("plainnet20", ModelSpec("residual", 20, shortcut="projection"), r"plainnet20, but .* resnet20 \(projection\)"),
        ("resnet164bn", ModelSpec("residual", 164), "says resnet164bn, but .* those of resnet164"),
    ],
)
def test_a_name_that_the_weights_contradict(tmp_path: Path, name: str, spec: ModelSpec, message: str) -> None:
    torch.save({"arch": name, "state_dict": resnetzoo.CifarNet(spec).state_dict()}, tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match=message) as refused:
        resnetzoo.load_checkpoint(tmp_path / "weights.pt")
    cure: Family = str(refused.value).rsplit('family="')[1].split('"')[0]  # type: ignore[assignment]
    with pytest.warns(CheckpointWarning, match=f"as asked for, but its arch says {name}"):
        model = resnetzoo.load_checkpoint(tmp_path / "weights.pt", family=cure)
    assert model.spec.depth == spec.depth
    assert model.spec.family == cure


def test_names_that_contradict_each_other(tmp_path: Path) -> None:
    content = {"arch": "resnet20", "args": Namespace(arch="plainnet20"), "state_dict": PLAIN.state_dict()}
    torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match=r"args\.arch says plainnet20 and arch says resnet20, .*family="):
        load(tmp_path / "weights.pt")
    with pytest.warns(CheckpointWarning, match="loaded as plainnet20, as asked for, but its arch says resnet20"):
        assert_same_logits(resnetzoo.load_checkpoint(tmp_path / "weights.pt", family="plain"), PLAIN)


@pytest.mark.parametrize(
    "name", ["vgg16", "my_network", "", "resnet", "wide_resnet20", "SmallNet", "resnet20_v2", "x" * 999]
)
def test_unknown_names_change_nothing(tmp_path: Path, name: str) -> None:
    torch.save({"arch": name, "state_dict": RESIDUAL.state_dict()}, tmp_path / "weights.pt")
    model = load(tmp_path / "weights.pt")
    assert_same_logits(model, RESIDUAL)
    assert 'plainnet20 has the same names and shapes: family="plain" loads it as that' in str(model.origin)


def test_the_name_of_a_checkpoint_is_told_by_create_too(tmp_path: Path) -> None:
    torch.save({"arch": "plainnet20", "state_dict": PLAIN.state_dict()}, tmp_path / "weights.pt")
    with pytest.raises(resnetzoo.UsageError, match="the weights are of plainnet20, not of resnet20"):
        resnetzoo.create("resnet20", weights=tmp_path / "weights.pt")
    assert_same_logits(resnetzoo.create("plainnet20", weights=tmp_path / "weights.pt"), PLAIN)


def test_a_name_that_was_registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resnetzoo.models.registry._SPECS", {"mine": PLAIN.spec})
    torch.save({"arch": "mine", "state_dict": PLAIN.state_dict()}, tmp_path / "weights.pt")
    assert_same_logits(load(tmp_path / "weights.pt"), PLAIN)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plainnet20", ("plain", 20, None, None)),
        ("plain-20", ("plain", 20, None, None)),
        ("PlainNet_20", ("plain", 20, None, None)),
        ("plain_resnet20", ("plain", 20, None, None)),
        ("resnet20_no_shortcut", ("plain", 20, None, None)),
        ("plainnet20.quick20_c10", ("plain", 20, None, None)),
        ("ResNet20", ("residual", 20, None, None)),
        ("resnet-20", ("residual", 20, None, None)),
        ("cifar10_resnet20", ("residual", 20, None, None)),
        ("resnet20_cifar100", ("residual", 20, None, None)),
        ("resnet8x4", ("residual", 8, None, None)),
        ("resnet20_option_b", ("residual", 20, "projection", None)),
        ("resnet20-optionC", ("residual", 20, "projection_all", None)),
        ("resnet56 (projection)", ("residual", 56, "projection", None)),
        ("resnet164bn_cifar10", ("residual", 164, None, "bottleneck")),
        ("preresnet20", ("preactivation", 20, None, None)),
        ("PreActResNet20", ("preactivation", 20, None, None)),
        ("preact_resnet_110", ("preactivation", 110, None, None)),
        ("resnetv2_20", ("preactivation", 20, None, None)),
        ("models.resnet56", ("residual", 56, None, None)),
        ("plain", ("plain", None, None, None)),
    ],
)
def test_names_as_people_write_them(name: str, expected: tuple[object, ...]) -> None:
    found = parse_network_name(name)
    assert found is not None
    assert found[:5] == (name, *expected)


@settings(max_examples=60, deadline=None)
@given(
    form=st.sampled_from(sorted(set(FORMS) - {"spec"})),
    family=st.sampled_from(sorted(WRITERS)),
    before=st.sampled_from(["", "cifar_", "cifar10_", "models."]),
    after=st.sampled_from(["", "_cifar10", "_seed3", "-best", "_option_a"]),
    large=st.booleans(),
)
@pytest.mark.slow
def test_any_form_with_any_name(
    tmp_path_factory: pytest.TempPathFactory, form: str, family: Family, before: str, after: str, large: bool
) -> None:
    word = FAMILY_WORDS[family].title() if large else FAMILY_WORDS[family]
    path = tmp_path_factory.mktemp("named") / "weights.pt"
    torch.save(FORMS[form](f"{before}{word}{after}", WRITERS[family].state_dict()), path)
    assert_same_logits(load(path), WRITERS[family])
