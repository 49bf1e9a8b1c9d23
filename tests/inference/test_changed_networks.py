"""Optimized networks agree with the ones they are made of whatever people have done to those, or int8 refuses them."""

import copy
import pickle

import pytest
import torch
from cases import lived_in
from changed_networks import CHANGES, COMPUTED, changed
from test_inference import needs_compiler, needs_vnni
from torch import nn

import resnetzoo
from resnetzoo.inference.fuse import fuse_batch_norm

BY_CHANGE = pytest.mark.parametrize("change", CHANGES)


def largest_difference(model: resnetzoo.CifarNet, optimized: nn.Module) -> float:
    """In deviations of the logits."""
    images = torch.randn(6, 3, 32, 32)
    with torch.no_grad():
        expected = model(images)
        return float((optimized(images) - expected).abs().max() / expected.std())


@BY_CHANGE
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("bf16", 0.1), ("auto", 0.1)])
def test_the_outputs_are_the_networks(change: str, precision: str, tolerance: float) -> None:
    model = changed(change)
    if (change, precision) == ("hook in fp32", "bf16"):
        with pytest.raises(resnetzoo.UsageError, match='does not work in bf16: use precision="fp32"'):
            resnetzoo.optimize(model, precision=precision, compile=False)
        return
    optimized = resnetzoo.optimize(model, precision=precision, compile=False)
    assert largest_difference(model, optimized) < tolerance


@BY_CHANGE
def test_agreement_is_whole(change: str) -> None:
    model, data = changed(change), resnetzoo.synthetic(seed=0, train_images=1, test_images=20)
    found = resnetzoo.agreement(model, resnetzoo.optimize(model, precision="fp32", compile=False), data.test)
    assert found.top1 == 100
    assert found.max_logit_difference < 1e-3


@BY_CHANGE
def test_only_what_is_as_built_is_fused(change: str) -> None:
    """All other norms are: one of eight, and the shortcuts' two, stays where it or its convolution was changed."""
    fused = fuse_batch_norm(changed(change))
    kept = [name for name, module in fused.named_modules() if isinstance(module, nn.BatchNorm2d)]
    if change in ("hook on a block", "hook on a shortcut", "hook on the network", "no norm"):
        assert kept == []
    else:
        assert kept == [{"norm subclass": "layer2.0.bn1", "hook in fp32": "bn1"}.get(change, "layer1.0.bn1")]


@pytest.mark.parametrize(
    ("name", "precision", "tolerance"),
    [
        ("resnet20", "fp32", 1e-4),
        ("resnet20", "bf16", 0.1),
        pytest.param("resnet20", "int8", 0.2, marks=needs_vnni),
        ("preresnet20", "fp32", 1e-4),
        ("preresnet20", "bf16", 0.1),
    ],
)
def test_synchronized_norms_are_optimized_as_the_norms_that_they_were(
    name: str, precision: str, tolerance: float
) -> None:
    model = lived_in(resnetzoo.get_spec(name)).eval()
    synchronized = nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(model))
    data = resnetzoo.synthetic(seed=0, train_images=64, test_images=1)
    model.normalization = synchronized.normalization = data.train.normalization("channel")
    calibration = data.train if precision == "int8" else None
    optimized = resnetzoo.optimize(synchronized, precision=precision, compile=False, calibration=calibration)
    assert largest_difference(model, optimized) < tolerance
    norms = (nn.BatchNorm2d, nn.SyncBatchNorm)
    fused, expected = (
        [name for name, module in fuse_batch_norm(net).named_modules() if isinstance(module, norms)]
        for net in (synchronized, model)
    )
    assert fused == expected


@needs_vnni
@BY_CHANGE
def test_int8_refuses_it_by_name(change: str) -> None:
    calibration = resnetzoo.synthetic(seed=0, train_images=8, test_images=1).train
    with pytest.raises(
        resnetzoo.UsageError, match=r'but (layer[12]\.0\S*|conv1|the network) (has|is) .*: use precision="bf16" or'
    ):
        resnetzoo.optimize(changed(change), precision="int8", compile=False, calibration=calibration)


@needs_vnni
@pytest.mark.parametrize("choice", [{"dilation": 2, "padding": 2}, {"padding": "same"}, {"padding_mode": "circular"}])
def test_int8_refuses_other_convolutions(choice: dict[str, object]) -> None:
    model = resnetzoo.CifarNet(resnetzoo.ModelSpec("residual", 8))
    model.conv1 = nn.Conv2d(3, 16, 3, **{"padding": 1, **choice})  # type: ignore[arg-type]
    calibration = resnetzoo.synthetic(seed=0, train_images=8, test_images=1).train
    with pytest.raises(resnetzoo.UsageError, match="conv1 has dilation, or padding other than zeros"):
        resnetzoo.optimize(model, precision="int8", compile=False, calibration=calibration)


def test_a_batch_is_not_cut_where_a_norm_needs_the_whole() -> None:
    with pytest.raises(resnetzoo.UsageError, match=r"layer1\.0\.bn1 has no running statistics.*leave batch_size out"):
        resnetzoo.optimize(changed("norm of the batch"), compile=False, batch_size=4)


@needs_compiler
@pytest.mark.slow
def test_compiled_with_a_hook_and_another_class() -> None:
    for change in ("StdConv2d", "hook on a convolution"):
        model = changed(change)
        optimized = resnetzoo.optimize(model, precision="fp32", batch_size=6)
        assert largest_difference(model, optimized) < 1e-4


def test_hooks_of_all_modules_change_an_optimized_network_too() -> None:
    """A scale behind each convolution is none behind the norm that would be fused into it."""
    model = changed("norm subclass")
    handle = nn.modules.module.register_module_forward_hook(
        lambda module, x, y: 1.5 * y if isinstance(module, nn.Conv2d) else None
    )
    try:
        optimized = resnetzoo.optimize(model, precision="fp32", compile=False)
        assert largest_difference(model, optimized) < 1e-4
        assert any(isinstance(module, nn.BatchNorm2d) for module in optimized.modules())
    finally:
        handle.remove()


@BY_CHANGE
def test_copies_and_pickles(change: str) -> None:
    """Also of a network that has been called, whose computed weights have a history."""
    model = changed(change)
    images = torch.randn(2, 3, 32, 32)
    with torch.enable_grad():
        expected = model(images).detach()
    optimized = resnetzoo.optimize(model, precision="fp32", compile=False)
    for network in (model, optimized):
        torch.testing.assert_close(copy.deepcopy(network)(images), expected, rtol=1e-3, atol=1e-3)
    for network in (model, optimized):
        if change in ("spectral norm", "weight norm", "parametrization"):
            words = r"no parametrized modules, and \S*layer1\.0\.conv1 is one: .*remove_parametrizations"
            with pytest.raises(resnetzoo.UsageError, match=words):
                pickle.dumps(network)
        elif "hook" not in change:
            again = pickle.loads(pickle.dumps(network))
            torch.testing.assert_close(again(images), expected, rtol=1e-3, atol=1e-3)


class OwnBlock(nn.Module):
    """Uses the convolution's output twice: before its norm and behind it."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.conv1, self.bn1 = block.conv1, block.bn1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.conv1(x)
        return torch.relu(self.bn1(y) + y)


def test_blocks_of_another_class_and_replaced_forwards() -> None:
    model = changed("no norm")
    model.layer3[0].downsample = nn.Identity()  # type: ignore[union-attr]
    model.layer3[0] = OwnBlock(model.layer3[0])
    block = model.layer2[0]
    block.forward = lambda x: torch.relu(block.bn1(block.conv1(x)) + block.conv1(x))  # type: ignore[method-assign, union-attr, operator]
    names = [name for name, module in fuse_batch_norm(model).named_modules() if isinstance(module, nn.BatchNorm2d)]
    assert {"layer3.0.bn1", "layer2.0.bn1"} <= set(names)
    optimized = resnetzoo.optimize(model, precision="fp32", compile=False)
    assert largest_difference(model, optimized) < 1e-4


@pytest.mark.parametrize("change", COMPUTED)
def test_the_network_itself_is_left_as_it_was(change: str) -> None:
    model = changed(change)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        before = model(images)
        resnetzoo.optimize(model, precision="bf16", compile=False)(images)
        assert torch.equal(model(images), before)
