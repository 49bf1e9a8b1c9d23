"""What is measured inside networks, against forward passes written out by hand, and what pictures show of it."""

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import pytest
import torch
from cases import KINDS, THIN, lived_in
from forward_by_hand import by_hand
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

import resnetzoo
from resnetzoo import analysis
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.normalization import measure_normalization
from resnetzoo.models.pretrained import attach_normalization

SMALL = [replace(spec, depth=2 + 3 * spec.layers_per_block, widths=(4, 8, 16)) for spec in KINDS] + [*THIN.values()]
BY_KIND = pytest.mark.parametrize("spec", SMALL, ids=lambda spec: f"{spec.label}-{spec.shortcut}")
Measure = Callable[[nn.Module, ImageSet], object]
MEASURES: dict[str, Measure] = {
    "response_std": analysis.response_std,
    "gradient_norms": analysis.gradient_norms,
    "shortcut_share": analysis.shortcut_share,
    "cka": lambda model, images: analysis.cka(model, model, images),
    "loss_surface": lambda model, images: analysis.loss_surface(model, images, points=3),
}


@pytest.fixture
def images() -> ImageSet:
    return resnetzoo.synthetic(seed=1, train_images=10, test_images=10).test


def linear_cka(x: Tensor, y: Tensor) -> float:
    """By features: |Y'X|^2 / (|X'X| |Y'Y|), arXiv:1905.00414, table 1."""
    x, y = x.flatten(1) - x.flatten(1).mean(0), y.flatten(1) - y.flatten(1).mean(0)
    return float((y.T @ x).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm()))


@BY_KIND
def test_every_kind_of_network_against_its_forward_pass_by_hand(spec: resnetzoo.ModelSpec) -> None:
    model = lived_in(spec).double()
    inputs = torch.randn(6, 3, 6, 6, dtype=torch.float64)
    forward = by_hand(model, inputs)

    found = analysis.response_std(model, inputs, batch_size=4)
    assert len(found.names) == sum(tensor.shape[2:] == (3, 3) for tensor in model.state_dict().values())
    assert found.names == tuple(forward.responses)
    np.testing.assert_allclose(found.values, [float(x.std(correction=0)) for x in forward.responses.values()])
    assert found.values.dtype == np.float64

    same = analysis.cka(model, model, inputs)
    assert same.rows == same.columns == tuple(forward.outputs) == ("stem", *(block.name for block in spec.blocks()))
    expected = [[linear_cka(x, y) for y in forward.outputs.values()] for x in forward.outputs.values()]
    np.testing.assert_allclose(same.values, expected)
    np.testing.assert_allclose(np.diag(same.values), 1)

    if spec.family != "plain":
        share = analysis.shortcut_share(model, inputs, batch_size=4)
        pairs = zip(forward.shortcuts.values(), forward.branches.values(), strict=True)
        expected = [float(s.square().sum() / (s.square().sum() + f.square().sum())) for s, f in pairs]
        np.testing.assert_allclose(share.values, expected)
        assert share.names == same.rows[1:]
        assert ((share.values >= 0) & (share.values <= 1)).all()


@BY_KIND
def test_gradients_of_every_kind_are_those_of_a_training_step(spec: resnetzoo.ModelSpec) -> None:
    spec = replace(spec, drop_rate=0.0)  # dropout draws in the order of memory, which the layout decides
    model = lived_in(spec).double()
    inputs, labels = torch.randn(4, 3, 8, 8, dtype=torch.float64), torch.tensor([0, 3, 9, 3])
    found = analysis.gradient_norms(model, (inputs, labels))
    F.cross_entropy(model.train()(inputs), labels).backward()
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)}
    np.testing.assert_allclose(found.values, [float(layer.weight.grad.norm()) for layer in layers.values()])
    assert found.names == tuple(layers)
    assert len(found.names) == len([*spec.all_convs(), "fc"])


def test_dropout_is_the_same_in_each_call() -> None:
    """As for the directions of `loss_surface`, which has its own generator."""
    model, batch = lived_in(THIN["dropout"]), (torch.randn(4, 3, 8, 8), torch.tensor([0, 3, 9, 3]))
    before = torch.get_rng_state()
    one = analysis.gradient_norms(model, batch)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(1)
    np.testing.assert_array_equal(analysis.gradient_norms(model, batch).values, one.values)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    assert (analysis.gradient_norms(model, batch).values != one.values).any()


def test_the_classifiers_gradient_by_its_formula(tiny_model: resnetzoo.CifarNet) -> None:
    """(softmax - one-hot)' features / N."""
    inputs, labels = torch.randn(4, 3, 8, 8), torch.tensor([0, 3, 9, 3])
    found = analysis.gradient_norms(tiny_model, (inputs, labels))
    with torch.no_grad():
        features = tiny_model.forward_head(tiny_model.train().forward_features(inputs), pre_logits=True)
        excess = tiny_model.fc(features).softmax(dim=1) - F.one_hot(labels, 10)
    assert found.names[-1] == "fc"
    assert found.values[-1] == pytest.approx(float((excess.T @ features / 4).norm()), rel=1e-5)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_gradients_where_none_are_kept(
    context: Callable[[], AbstractContextManager[None]], tiny_model: resnetzoo.CifarNet, images: ImageSet
) -> None:
    expected = analysis.gradient_norms(tiny_model, images)
    tiny_model.requires_grad_(False)
    with context():
        np.testing.assert_array_equal(analysis.gradient_norms(tiny_model, images).values, expected.values)
        model, pair = copy.deepcopy(tiny_model), (images.images.clone(), images.labels.clone())
        np.testing.assert_array_equal(analysis.gradient_norms(model, pair).values, expected.values)


@pytest.mark.parametrize("name", MEASURES)
def test_the_model_is_left_as_it_was(name: str, tiny_model: resnetzoo.CifarNet, images: ImageSet) -> None:
    tiny_model.bn1.eval()  # of the rest in training mode
    tiny_model.conv1.requires_grad_(False)
    state, modes = copy.deepcopy(tiny_model.state_dict()), [module.training for module in tiny_model.modules()]
    MEASURES[name](tiny_model, images)
    assert all(torch.equal(value, state[key]) for key, value in tiny_model.state_dict().items())
    assert [module.training for module in tiny_model.modules()] == modes
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in tiny_model.modules())
    assert all(parameter.grad is None for parameter in tiny_model.parameters())
    assert [parameter.requires_grad for parameter in tiny_model.parameters()].count(False) == 1


def test_pieces_give_what_the_whole_gives(tiny_model: resnetzoo.CifarNet, images: ImageSet) -> None:
    for measure in (analysis.response_std, analysis.shortcut_share):
        whole, pieces = measure(tiny_model, images), measure(tiny_model, images, batch_size=3)
        np.testing.assert_allclose(whole.values, pieces.values, rtol=1e-5)


def test_pixels_become_input_as_in_training_else_by_their_own_mean(
    tiny_model: resnetzoo.CifarNet, images: ImageSet
) -> None:
    own = measure_normalization(images.images, "channel")
    other = resnetzoo.Normalization("channel", own.mean / 2, own.std * 2)
    for normalization in (own, other):
        if normalization is other:
            attach_normalization(tiny_model, other)
        expected = analysis.response_std(tiny_model, normalization(images.images)).values
        for pixels in (images, images.images):
            np.testing.assert_array_equal(analysis.response_std(tiny_model, pixels).values, expected)
    expected = analysis.gradient_norms(tiny_model, images).values
    inputs = other(images.images).double()
    for pair in ((inputs, images.labels), [inputs, images.labels]):
        np.testing.assert_array_equal(analysis.gradient_norms(tiny_model, pair).values, expected)


def test_responses_beyond_the_squares_of_float64_are_not_finite(images: ImageSet) -> None:
    model = lived_in(resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16))).double()
    with torch.no_grad():
        model.conv1.weight.mul_(1e200)
    assert not np.isfinite(analysis.response_std(model, images).values).any()


@pytest.mark.parametrize("factor", [2.0**100, 2.0**-100])
def test_squares_of_large_and_small_responses(factor: float, images: ImageSet) -> None:
    """They are infinite or zero in float32; without shifts, all responses are multiples of what the stem gives."""
    model = lived_in(resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16)))
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith((".running_mean", "bias")):
                tensor.zero_()
        response, share = analysis.response_std(model, images), analysis.shortcut_share(model, images)
        model.conv1.weight.mul_(factor)
    np.testing.assert_allclose(analysis.response_std(model, images).values, factor * response.values, rtol=1e-6)
    np.testing.assert_allclose(analysis.shortcut_share(model, images).values, share.values, rtol=1e-6)


def test_a_branch_that_starts_at_zero_leaves_all_to_the_shortcut(images: ImageSet) -> None:
    model = resnetzoo.CifarNet(resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16), zero_init_residual=True))
    assert analysis.shortcut_share(model, images).values.tolist() == [1, 1, 1]
    nn.init.zeros_(model.conv1.weight)
    assert np.isnan(analysis.shortcut_share(model, images).values).all()


def test_cka_of_networks_that_differ(tiny_model: resnetzoo.CifarNet) -> None:
    other = lived_in(resnetzoo.ModelSpec("plain", 14, widths=(4, 8, 16)))
    inputs = torch.randn(8, 3, 8, 8)
    found = analysis.cka(tiny_model, other, inputs)
    assert (len(found.rows), len(found.columns)) == found.values.shape == (4, 7)
    one, two = by_hand(tiny_model, inputs).outputs["layer2.0"], by_hand(other, inputs).outputs["layer3.1"]
    assert found.values[2, 6] == pytest.approx(linear_cka(one, two), rel=1e-4)
    np.testing.assert_allclose(analysis.cka(other, tiny_model, inputs).values, found.values.T, rtol=1e-9)
    assert ((found.values > 0) & (found.values < 1)).all()


def test_cka_does_not_see_a_scale_or_an_order_of_channels() -> None:
    model = lived_in(resnetzoo.ModelSpec("plain", 8, widths=(4, 8, 16)))
    turned = copy.deepcopy(model)
    last, order = turned.layer3[-1], torch.randperm(16)
    with torch.no_grad():
        last.conv2.weight.copy_(last.conv2.weight[order])
        for name, factor in [("weight", 3), ("bias", 3), ("running_mean", 1), ("running_var", 1)]:
            values = getattr(last.bn2, name)
            values.copy_(factor * values[order])
    inputs = torch.randn(8, 3, 8, 8)
    found = analysis.cka(model, turned, inputs)
    np.testing.assert_allclose(found.values, analysis.cka(model, model, inputs).values, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("count", [2, 7, 101])
def test_cka_is_nan_where_no_image_differs(count: int, dtype: torch.dtype) -> None:
    """The mean of equal numbers is not quite that number, and what is left would be scaled to norm 1."""
    model, other = (resnetzoo.create(name, seed=0).to(dtype) for name in ("resnet20", "plainnet20"))
    for image in (torch.zeros(1, 3, 8, 8), torch.randn(1, 3, 8, 8)):
        found = analysis.cka(model, other, image.expand(count, -1, -1, -1)).values
        assert np.isnan(found).all()
    images = torch.randn(count, 3, 8, 8)
    images = 3 + 1e-3 * images  # which differ, if only a little
    found = analysis.cka(model, other, images).values
    assert ((found >= 0) & (found <= 1)).all()
    assert analysis.cka(model, model, images).values.max() == pytest.approx(1, abs=1e-12)


def test_values_sorted_fall_with_their_names() -> None:
    values = analysis.LayerValues(("a", "b", "c", "d"), np.array([1.0, np.nan, 3.0, 2.0]))
    fallen = values.sorted()
    assert fallen.names == ("c", "d", "a", "b")
    np.testing.assert_array_equal(fallen.values, [3, 2, 1, np.nan])
    assert values.names == ("a", "b", "c", "d")
