"""captum's attributions against finite differences and against the same rules by hand."""

import pytest
import torch
from cases import KINDS, lived_in
from guided import Guided, Rescaled
from torch import Tensor, nn

import resnetzoo

attr = pytest.importorskip("captum.attr", reason="captum is not installed")

pytestmark = [
    # captum says that it sets hooks, and that it asks for a gradient of its input.
    pytest.mark.filterwarnings("ignore:Setting (forward, )?backward hooks:UserWarning"),
    pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients:UserWarning"),
    pytest.mark.parametrize("spec", KINDS, ids=lambda spec: f"{spec.label}-{spec.shortcut}"),
]
TARGET = 3


def images(seed: int) -> Tensor:
    return torch.randn(2, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_saliency_is_a_finite_difference(spec: resnetzoo.ModelSpec) -> None:
    model, x, step = lived_in(spec).double(), images(0), 1e-6
    found = attr.Saliency(model).attribute(x, target=TARGET, abs=False)
    with torch.no_grad():
        for place in [(0, 0, 3, 4), (0, 2, 15, 0), (1, 1, 8, 8)]:
            nudge = torch.zeros_like(x)
            nudge[place] = step
            expected = (model(x + nudge) - model(x - nudge))[place[0], TARGET] / (2 * step)
            torch.testing.assert_close(found[place], expected, rtol=1e-4, atol=1e-7)


def test_guided_backpropagation_is_that_by_hand(spec: resnetzoo.ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = lived_in(spec).double(), images(0)
    plain = attr.Saliency(model).attribute(x, target=TARGET, abs=False)
    found = attr.GuidedBackprop(model).attribute(x, target=TARGET)
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, x: Guided.apply(x))
    x.requires_grad_()
    (expected,) = torch.autograd.grad(model(x)[:, TARGET].sum(), x)
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, plain)


def test_deeplift_is_that_by_hand_and_complete(spec: resnetzoo.ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x, references = lived_in(spec).double(), images(0), images(1)
    found = attr.DeepLift(model).attribute(x, references, target=TARGET)
    with torch.no_grad():
        difference = (model(x) - model(references))[:, TARGET]
    torch.testing.assert_close(found.sum((1, 2, 3)), difference)  # the attributions add up to the difference
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, x: Rescaled.apply(x))
    stacked = torch.cat([x, references]).requires_grad_()
    (multipliers,) = torch.autograd.grad(model(stacked)[: len(x), TARGET].sum(), stacked)
    torch.testing.assert_close(found, multipliers[: len(x)] * (x - references))


def test_a_layers_activation_is_what_it_gave(spec: resnetzoo.ModelSpec) -> None:
    model, x = lived_in(spec).double(), images(0)
    norm = model.layer1[0].bn1
    with torch.no_grad():
        a = model.conv1(x)
        a = a if spec.norm_first else model.bn1(a).clamp(min=0)
        expected = norm(a if spec.norm_first else model.layer1[0].conv1(a))
    found = attr.LayerActivation(model, norm).attribute(x)
    torch.testing.assert_close(found, expected)
    assert found.min() < 0
