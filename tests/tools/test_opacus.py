"""Opacus's gradients of each image, by full backward hooks, against one image after the other."""

import pytest
import torch
from cases import KINDS, lived_in
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

import resnetzoo

pytest.importorskip("opacus", reason="opacus is not installed")


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: f"{spec.label}-{spec.shortcut}")
def test_gradients_of_each_image_are_those_of_the_image_alone(spec: resnetzoo.ModelSpec) -> None:
    from opacus import GradSampleModule
    from opacus.validators import ModuleValidator

    model = ModuleValidator.fix(lived_in(spec).train()).double()  # GroupNorm for batch norm, which mixes the images
    assert not ModuleValidator.validate(model, strict=False)
    images, labels = torch.randn(3, 3, 16, 16, dtype=torch.float64), torch.tensor([1, 7, 3])
    alone = []
    for image, label in zip(images, labels, strict=True):
        loss = F.cross_entropy(model(image[None]), label[None])
        alone.append(torch.autograd.grad(loss, tuple(model.parameters())))
    watched = GradSampleModule(model, loss_reduction="sum")
    images.requires_grad_()  # or torch warns that the first hook has no gradient of its input
    F.cross_entropy(watched(images), labels, reduction="sum").backward()
    for parameter, *expected in zip(model.parameters(), *alone, strict=True):
        torch.testing.assert_close(parameter.grad_sample, torch.stack(expected))
