"""pytorch-grad-cam's maps against the formula by hand (arXiv:1610.02391, equations 1 and 2)."""

import numpy as np
import pytest
import torch
from cases import KINDS, lived_in
from guided import Guided
from torch import Tensor, nn

import resnetzoo

grad_cam = pytest.importorskip("pytorch_grad_cam", reason="grad-cam is not installed")
TARGET = 3


def map_by_hand(model: nn.Module, layer: nn.Module, images: Tensor) -> Tensor:
    """(N, h, w), from 0 to 1: the layer's channels, weighted by their mean gradients, where positive."""
    kept: list[Tensor] = []
    handle = layer.register_forward_hook(lambda module, inputs, output: kept.append(output))
    score = model(images)[:, TARGET].sum()
    handle.remove()
    (gradient,) = torch.autograd.grad(score, kept[0])
    cam = (gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1).clamp(min=0).detach()
    cam = cam - cam.amin((1, 2), keepdim=True)
    return cam / cam.amax((1, 2), keepdim=True)


@pytest.mark.parametrize("layer", ["bn1", "layer1.0.bn1", "layer1.0.relu1", "layer1.1.bn2", "layer1"])
@pytest.mark.parametrize("spec", [KINDS[0], KINDS[1], KINDS[2]], ids=lambda spec: f"{spec.label}-{spec.shortcut}")
def test_a_map_is_the_weighted_sum_of_channels(spec: resnetzoo.ModelSpec, layer: str) -> None:
    """In the first stage, whose maps have the size of the image, so that nothing is resized."""
    model, images = lived_in(spec), torch.randn(2, 3, 16, 16)
    expected = map_by_hand(model, model.get_submodule(layer), images)
    chosen = grad_cam.utils.model_targets.ClassifierOutputTarget(TARGET)
    with grad_cam.GradCAM(model, [model.get_submodule(layer)]) as cam:
        found = cam(images, [chosen] * len(images))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert found.std() > 0.01


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: f"{spec.label}-{spec.shortcut}")
def test_guided_backpropagation_is_that_by_hand(spec: resnetzoo.ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    model, image = lived_in(spec), torch.randn(1, 3, 16, 16)
    usual = model(image)
    (plain,) = torch.autograd.grad(model(image.requires_grad_())[0, TARGET], image)
    found = grad_cam.GuidedBackpropReLUModel(model)(image.detach().clone(), TARGET)  # (H, W, 3)
    assert torch.equal(model(image), usual)
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, x: Guided.apply(x))
    (expected,) = torch.autograd.grad(model(image)[0, TARGET], image)
    np.testing.assert_allclose(found, expected[0].permute(1, 2, 0), rtol=1e-3, atol=1e-5 * expected.abs().max())
    assert not torch.allclose(expected, plain)
