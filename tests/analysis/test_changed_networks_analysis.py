"""What is measured of networks that people have changed, against torch's own means."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from cases import lived_in
from changed_networks import CHANGES, COMPUTED, changed
from torch import nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)
from torch.nn.utils import parametrize

import resnetzoo
from resnetzoo import analysis

LABELS = torch.arange(6)


@pytest.mark.parametrize("change", CHANGES)
def test_the_middle_of_the_surface_is_the_networks_loss(change: str) -> None:
    model, images = changed(change), torch.randn(6, 3, 32, 32)
    with torch.no_grad():
        logits = model(images)
    surface = analysis.loss_surface(model, (images, LABELS), points=3)
    assert surface.losses[1, 1] == pytest.approx(float(F.cross_entropy(logits, LABELS)), rel=1e-5)
    with torch.no_grad():
        assert torch.equal(model(images), logits)


def with_values(model: resnetzoo.CifarNet, images: torch.Tensor) -> resnetzoo.CifarNet:
    """The network as it was built, with the weights that `model` computes."""
    plain = resnetzoo.CifarNet(model.spec).eval()
    with torch.no_grad():
        model(images)
    state = {name: tensor for name, tensor in model.state_dict().items() if name in plain.state_dict()}
    weight = model.get_submodule("layer1.0.conv1").weight.detach()  # type: ignore[operator, union-attr]
    plain.load_state_dict({**state, "layer1.0.conv1.weight": weight})
    return plain


@pytest.mark.parametrize("change", COMPUTED)
def test_computed_weights_move_as_others_do(change: str) -> None:
    model, images = changed(change), torch.randn(6, 3, 32, 32)
    one, other = (
        torch.from_numpy(analysis.loss_surface(each, (images, LABELS), points=3).losses)
        for each in (model, with_values(model, images))
    )
    # The directions are drawn in the order of the layers, which a computed weight does not change.
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("change", [change for change in COMPUTED if "spectral" not in change])
def test_gradients_are_those_of_the_computed_weights(change: str) -> None:
    """A step of spectral norm would change the weights first."""
    model, images = changed(change), torch.randn(6, 3, 32, 32)
    one, other = (analysis.gradient_norms(each, (images, LABELS)) for each in (model, with_values(model, images)))
    assert one.names == other.names
    assert one.values == pytest.approx(other.values, rel=1e-4)


@pytest.mark.parametrize("change", COMPUTED)
def test_gradients_of_computed_weights_behind_a_pass_without_gradients(change: str) -> None:
    """One image, and a classifier whose length is known only from its output."""
    model = changed(change)
    model.fc = nn.Sequential(nn.Linear(32, 10), nn.Unflatten(1, (10, 1)), nn.Flatten())
    assert model.num_classes is None
    found = analysis.gradient_norms(model, (torch.randn(1, 3, 32, 32), LABELS[:1]))
    assert (found.values > 0).all()


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_was_changed_is_measured(change: str) -> None:
    model, images = changed(change), torch.randn(6, 3, 32, 32)
    assert np.isfinite(analysis.gradient_norms(model, (images, LABELS)).values).all()
    assert np.isfinite(analysis.shortcut_share(model, images).values).all()
    assert float(analysis.cka(model, model, images).values.diagonal().min()) == pytest.approx(1)
    responses = analysis.response_std(model, images)
    seen: list[torch.Tensor] = []
    model.get_submodule("layer2.0.bn1").register_forward_hook(lambda module, x, y: seen.append(y))
    with torch.no_grad():
        model(images)
    at = responses.names.index("layer2.0.conv1")
    assert responses.values[at] == pytest.approx(float(seen[0].std(correction=0)), rel=1e-4)


def _share_blocks(model: resnetzoo.CifarNet) -> None:
    model.layer1[1] = model.layer1[0]


def _share_norms(model: resnetzoo.CifarNet) -> None:
    """Also one whose output is not measured: that of the shortcut."""
    model.layer1[1].bn2 = model.layer1[0].bn1  # type: ignore[union-attr]
    model.layer2[0].downsample[1] = model.layer2[0].bn2  # type: ignore[union-attr, index, operator]


def _share_stages(model: resnetzoo.CifarNet) -> None:
    model.layer3 = model.layer2


@pytest.mark.parametrize("share", [_share_blocks, _share_norms, _share_stages])
def test_what_stands_in_several_places_is_measured_in_each(share: Callable[[resnetzoo.CifarNet], None]) -> None:
    """As in the same network with a copy of the module in each place."""
    model = lived_in(resnetzoo.ModelSpec("residual", 14, "basic", "projection_all", widths=(8, 8, 8)))
    share(model)
    apart = resnetzoo.CifarNet(model.spec).eval()
    apart.load_state_dict(model.state_dict())
    images = torch.randn(6, 3, 16, 16)
    for measure in (analysis.response_std, analysis.shortcut_share):
        one, other = (measure(network, images, batch_size=4) for network in (model, apart))
        assert one.names == other.names
        assert one.values == pytest.approx(other.values, rel=1e-6)
    found, expected = (analysis.cka(network, network, images) for network in (model, apart))
    assert found.rows == expected.rows
    assert found.values == pytest.approx(expected.values, rel=1e-6)


def test_what_is_missing_is_named() -> None:
    model = resnetzoo.CifarNet(resnetzoo.ModelSpec("residual", 8))
    model.layer2[0] = nn.Conv2d(16, 32, 3, stride=2, padding=1)
    images = torch.randn(2, 3, 32, 32)
    for measure in (analysis.response_std, analysis.shortcut_share):
        with pytest.raises(resnetzoo.UsageError, match=r"nothing was measured at layer2\.0\.\S+: "):
            measure(model, images)


class OwnConv(nn.Module):
    """A convolution with the weights of another one, which is not of torch's class."""

    def __init__(self, conv: nn.Conv2d, parameter: str) -> None:
        super().__init__()
        self.parameter = parameter
        self.register_parameter(parameter, conv.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, getattr(self, self.parameter), padding=1)


def test_layers_of_other_classes_are_measured_or_named() -> None:
    model, images = lived_in(resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16))), torch.randn(6, 3, 16, 16)
    expected = analysis.gradient_norms(model, (images, LABELS))
    surface = analysis.loss_surface(model, (images, LABELS), points=3)
    conv = model.layer2[0].conv2
    model.layer2[0].conv2 = OwnConv(conv, "weight")  # type: ignore[union-attr, arg-type]
    found = analysis.gradient_norms(model, (images, LABELS))
    assert found.names == expected.names
    assert found.values == pytest.approx(expected.values, rel=1e-4)
    assert analysis.loss_surface(model, (images, LABELS), points=3).losses == pytest.approx(surface.losses, rel=1e-4)
    parametrize.register_parametrization(model.layer2[0].conv2, "weight", nn.Identity())  # type: ignore[union-attr, arg-type]
    assert analysis.gradient_norms(model, (images, LABELS)).values == pytest.approx(expected.values, rel=1e-4)
    fixed = OwnConv(conv, "kernel")
    fixed.register_buffer("weight", conv.weight.detach().clone())
    for other in (OwnConv(conv, "kernel"), fixed):
        model.layer2[0].conv2 = other  # type: ignore[union-attr, arg-type]
        for measure in (analysis.gradient_norms, analysis.loss_surface):
            with pytest.raises(
                resnetzoo.UsageError, match=r"layer2\.0\.conv2 is of the class OwnConv, which has parameters"
            ):
                measure(model, (images, LABELS))
