"""Weights inside what trainers and wrappers put around them."""

import json
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from foreign_networks import assert_same_logits, load, ours
from torch import nn

import resnetzoo
from resnetzoo import ModelSpec


def lightning(model: nn.Module) -> object:
    state = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    state["criterion.weight"] = torch.ones(10)
    return {
        "epoch": 3,
        "global_step": 40,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": state,
        "optimizer_states": [{}],
        "hyper_parameters": {"lr": 0.1},
    }


def prefixed(prefix: str) -> Callable[[nn.Module], object]:
    return lambda model: {f"{prefix}{name}": tensor for name, tensor in model.state_dict().items()}


def within(part: str, before: str) -> Callable[[nn.Module], object]:
    """Names with `part` put in before some of their parts, where those were wrapped by themselves."""
    return lambda model: {
        name.replace(before, f"{before}{part}"): tensor for name, tensor in model.state_dict().items()
    }


def behind_normalization(model: nn.Module) -> object:
    scale = nn.Module()
    scale.register_buffer("mean", torch.zeros(1, 3, 1, 1))
    return nn.Sequential(scale, model).state_dict()


def beside_its_average(model: nn.Module) -> object:
    average = torch.optim.swa_utils.AveragedModel(model)
    average.module.conv1.weight.data.zero_()
    return nn.ModuleDict({"model": model, "ema_model": average}).state_dict()


def without_counters(model: nn.Module) -> object:
    return {name: tensor for name, tensor in model.state_dict().items() if "num_batches" not in name}


def counted_by_thop(model: nn.Module) -> object:
    """Its `profile` leaves two buffers in every module."""
    counts = {
        f"{name}.{count}".lstrip("."): torch.zeros(1, dtype=torch.float64)
        for name, _ in model.named_modules()
        for count in ("total_ops", "total_params")
    }
    return {**model.state_dict(), **counts}


WRAPPINGS: dict[str, tuple[Callable[[nn.Module], object], tuple[str, ...]]] = {
    "bare": (lambda model: model.state_dict(), ()),
    "without counters of batches": (without_counters, ()),
    "counted by thop": (counted_by_thop, ()),
    "counted by thop, under a word": (lambda model: counted_by_thop(nn.ModuleDict({"resnet": model})), ("resnet.",)),
    "in half precision": (lambda model: model.half().state_dict(), ()),
    "DataParallel": (lambda model: nn.DataParallel(model).state_dict(), ("module.",)),
    "compiled": (lambda model: torch.compile(model).state_dict(), ("_orig_mod.",)),  # type: ignore[attr-defined]
    "compiled DDP": (prefixed("_orig_mod.module."), ("_orig_mod.", "module.")),
    "DDP of compiled": (prefixed("module._orig_mod."), ("module.", "_orig_mod.")),
    "an average": (lambda model: torch.optim.swa_utils.AveragedModel(model).state_dict(), ("module.",)),
    "Lightning": (lightning, ('["state_dict"]', "model.")),
    "Lightning with another attribute": (prefixed("_model."), ("_model.",)),
    "the attribute of a wrapped class": (prefixed("module.model.resnet."), ("module.", "model.", "resnet.")),
    "behind a normalization": (behind_normalization, ("1.",)),
    "beside its average": (beside_its_average, ("model.",)),
    "compiled in part": (within("_orig_mod.", "layer1."), ("_orig_mod.",)),
    "FSDP": (prefixed("_fsdp_wrapped_module."), ("_fsdp_wrapped_module.",)),
    "checkpointed activations": (within("_checkpoint_wrapped_module.", ".1."), ("_checkpoint_wrapped_module.",)),
    "a trainer's dictionary": (
        lambda model: {"model": model.state_dict(), "optimizer": torch.optim.SGD(model.parameters()).state_dict()},
        ('["model"]',),
    ),
    "with the score": (lambda model: {"net": prefixed("module.")(model), "acc": 92.5}, ('["net"]', "module.")),
    "model_state_dict": (lambda model: {"model_state_dict": model.state_dict()}, ('["model_state_dict"]',)),
    "nested twice": (lambda model: {"model": {"state_dict": model.state_dict()}}, ('["model"]', '["state_dict"]')),
    "what scripts leave beside": (
        lambda model: {
            "args": Namespace(lr=0.1, milestones=[2, 3], out=Path("runs")),
            "net": model.state_dict(),
            "losses": defaultdict(list, train=[2.3]),
            "acc": np.float32(92.5),
            "best_acc": np.float64(93.0),
        },
        ('["net"]',),
    ),
    "with parameters": (lambda model: {**model.state_dict(), **dict(model.named_parameters())}, ()),
}


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_wrappings(tmp_path: Path, wrapping: str, legacy: bool) -> None:
    peer = ours(ModelSpec("residual", 8, shortcut="projection"))
    wrap, opened = WRAPPINGS[wrapping]
    torch.save(wrap(peer), tmp_path / "weights.pt", _use_new_zipfile_serialization=not legacy)
    model = load(tmp_path / "weights.pt")
    assert_same_logits(model, peer.float())
    assert model.origin is not None
    assert model.origin.opened == opened
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in model.parameters())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_of_several_networks_the_first_known_key_is_taken_and_the_others_named(tmp_path: Path) -> None:
    first, second = ours(ModelSpec("residual", 8)), ours(ModelSpec("residual", 14))
    torch.save({"ema": second.state_dict(), "model": first.state_dict()}, tmp_path / "weights.pt")
    model = load(tmp_path / "weights.pt")
    assert model.spec.depth == 8
    assert "weights also under 'ema', which were not taken" in str(model.origin)


def test_an_average_that_is_not_taken_is_named(tmp_path: Path) -> None:
    torch.save(beside_its_average(ours(ModelSpec("residual", 8))), tmp_path / "weights.pt")
    assert 'averaged weights also under "ema_model.", which were not taken' in str(load(tmp_path / "weights.pt").origin)


def test_numbers_of_numpy_are_told_as_numbers(tmp_path: Path) -> None:
    state = ours(ModelSpec("residual", 8)).state_dict()
    torch.save({"acc": np.float32(92.5), "epoch": np.int64(7), "net": state}, tmp_path / "weights.pt")
    origin = load(tmp_path / "weights.pt").origin
    assert origin is not None
    assert json.loads(json.dumps(origin.training)) == {"acc": 92.5, "epoch": 7}


def test_what_the_caller_trusts_stays_trusted(tmp_path: Path) -> None:
    torch.save({"args": Namespace(lr=1), "net": ours(ModelSpec("residual", 8)).state_dict()}, tmp_path / "weights.pt")
    with torch.serialization.safe_globals([Namespace, Fraction]):
        load(tmp_path / "weights.pt")
        assert {Namespace, Fraction} <= set(torch.serialization.get_safe_globals())
    assert defaultdict not in torch.serialization.get_safe_globals()


def test_a_checkpoint_of_timms_training_script(tmp_path: Path) -> None:
    saver = pytest.importorskip("timm.utils.checkpoint_saver")
    peer = ours(ModelSpec("residual", 8))
    options = Namespace(model="resnet8", lr=0.1, aa=None, seed=42)
    optimizer = torch.optim.SGD(peer.parameters(), 0.1)
    saver.CheckpointSaver(peer, optimizer, args=options, checkpoint_dir=str(tmp_path)).save_checkpoint(3, metric=91.0)
    model = load(tmp_path / "last.pth.tar")
    assert_same_logits(model, peer)
    assert model.origin is not None
    assert model.origin.training == {"epoch": 3}


def test_what_is_left_aside_is_said(tmp_path: Path) -> None:
    torch.save(lightning(ours(ModelSpec("residual", 8))), tmp_path / "weights.ckpt")
    assert "left aside: criterion.weight" in str(load(tmp_path / "weights.ckpt").origin)


OWN = ([0.5, 0.4, 0.3], [0.2, 0.25, 0.3])


def own_normalization(values: Sequence[float], shape: tuple[int, ...] = (1, 3, 1, 1)) -> torch.Tensor:
    return torch.tensor(values).view(shape)


@pytest.mark.parametrize("layout", ["akamaster", "torchvision"])
@pytest.mark.parametrize(
    ("before", "network"),
    [
        ("0.", "1."),
        ("normalize.", "net."),
        ("module.normalizer.new_", "module.model."),
        ("", "model."),
        ("", ""),
    ],
)
def test_a_normalization_in_the_file_is_that_of_the_network(layout: str, before: str, network: str) -> None:
    weights = resnetzoo.create("resnet20", seed=1).state_dict()
    names = {key: key.replace("fc.", "linear.") if layout == "akamaster" else key for key in weights}
    held = {f"{before}mean": own_normalization(OWN[0]), f"{before}std": own_normalization(OWN[1], (3,))}
    file = {**held, **{f"{network}{names[key]}": value for key, value in weights.items()}}
    model = resnetzoo.load_checkpoint(file)
    found = model.normalization
    assert found is not None
    assert found.mean.flatten().tolist() == torch.tensor(OWN[0]).tolist()
    assert found.std.flatten().tolist() == torch.tensor(OWN[1]).tolist()
    assert f"normalization as the file says ({before}mean and {before}std)" in str(model.origin)
    beside = resnetzoo.load_checkpoint({"state_dict": file, "mean": [0.1] * 3, "std": [0.1] * 3})
    assert str(beside.normalization) == str(found)


def test_one_mean_is_that_of_every_channel_and_may_be_saved_beside_the_weights() -> None:
    weights = resnetzoo.create("resnet20").state_dict()
    model = resnetzoo.load_checkpoint(
        {"state_dict": weights, "mean": torch.full((1, 1, 1), 0.5), "std": torch.full((1, 1, 1), 0.25)}
    )
    assert model.normalization is not None
    assert model.normalization.to_dict() == {"kind": "channel", "mean": [0.5] * 3, "std": [0.25] * 3}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (([123.7, 116.3, 103.5], [58.4, 57.1, 57.4]), "not of 3 channels on the scale 0 to 1"),
        (([[[0.5] * 32] * 32] * 3, [1.0] * 3), "not of 3 channels on the scale 0 to 1"),  # a mean a pixel
        (([0.5] * 4, [0.2] * 4), "not of 3 channels on the scale 0 to 1"),
    ],
)
def test_a_normalization_that_cannot_be_read_is_not_the_publishers(
    values: tuple[list[object], list[float]], words: str
) -> None:
    weights = {
        f"1.{key}".replace("fc.", "linear."): value for key, value in resnetzoo.create("resnet20").state_dict().items()
    }
    model = resnetzoo.load_checkpoint({**weights, "0.mean": torch.tensor(values[0]), "0.std": torch.tensor(values[1])})
    assert model.normalization is None
    assert words in str(model.origin)


def test_of_two_networks_each_has_its_own_normalization() -> None:
    file = {}
    for name, number in (("student", 0.3), ("teacher", 0.4)):
        file |= {f"{name}.0.mean": torch.full((3,), number), f"{name}.0.std": torch.full((3,), number)}
        file |= {f"{name}.1.{key}": value for key, value in resnetzoo.create("resnet20").state_dict().items()}
    for name, number in (("student", 0.3), ("teacher", 0.4)):
        found = resnetzoo.load_checkpoint(file, key=name).normalization
        assert found is not None
        assert found.to_dict()["mean"] == [number] * 3


def test_statistics_inside_the_network_are_no_normalization() -> None:
    weights = resnetzoo.create("resnet20").state_dict()
    with pytest.raises(resnetzoo.CheckpointError, match=r"has an unexpected layer1\.0\.conv1\.mean and 1 more"):
        resnetzoo.load_checkpoint(
            {**weights, "layer1.0.conv1.mean": torch.zeros(3), "layer1.0.conv1.std": torch.ones(3)}
        )


def test_scores_beside_the_weights_are_no_normalization() -> None:
    weights = resnetzoo.create("resnet20").state_dict()
    for mean, std in ((0.93, 0.01), ([0.93], [0.01]), (torch.tensor(0.93), torch.tensor(0.01))):
        assert resnetzoo.load_checkpoint({"state_dict": weights, "mean": mean, "std": std}).normalization is None
