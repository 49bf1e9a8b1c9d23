"""What is measured inside networks, against forward passes written out by hand, and what pictures show of it."""

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch
from cases import KINDS, lived_in
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

import resnetzoo
from resnetzoo import analysis
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.normalization import measure_normalization
from resnetzoo.models.pretrained import attach_normalization

SMALL = [replace(spec, depth=2 + 3 * spec.layers_per_block, widths=(4, 8, 16)) for spec in KINDS]
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


@pytest.fixture
def axes() -> Axes:
    return Figure().subplots()


@dataclass
class ByHand:
    """A forward pass in evaluation mode out of the state dict alone, with everything that is measured of it."""

    model: resnetzoo.CifarNet
    responses: dict[str, Tensor] = field(default_factory=dict)
    shortcuts: dict[str, Tensor] = field(default_factory=dict)
    branches: dict[str, Tensor] = field(default_factory=dict)
    outputs: dict[str, Tensor] = field(default_factory=dict)

    @torch.no_grad()
    def run(self, x: Tensor) -> Tensor:
        spec = self.model.spec
        preactivation = spec.family == "preactivation"
        x = self.conv("conv1", x)
        if not preactivation:
            x = self.norm("bn1", x)
        self.responses["conv1"] = x
        x = self.outputs["stem"] = x if preactivation else F.relu(x)
        for block in spec.blocks():
            added = self.preactivation(block, x) if preactivation else self.postactivation(block, x)
            x = self.outputs[block.name] = added if preactivation else F.relu(added)
        x = F.relu(self.norm("bn", x)) if preactivation else x
        return F.linear(x.mean((2, 3)), self.model.fc.weight, self.model.fc.bias)

    def postactivation(self, block: Any, x: Tensor) -> Tensor:
        convs = [f"conv{number}" for number in range(1, self.model.spec.layers_per_block + 1)]
        y = x
        for number, name in enumerate(convs, start=1):
            y = self.norm(f"{block.name}.bn{number}", self.conv(f"{block.name}.{name}", y, self.stride(block, name)))
            self.note_3x3(f"{block.name}.{name}", y)
            y = y if name == convs[-1] else F.relu(y)
        if self.model.spec.family == "plain":
            return y
        return self.add(block, self.shortcut(block, x), y)

    def preactivation(self, block: Any, x: Tensor) -> Tensor:
        a = F.relu(self.norm(f"{block.name}.bn1", x))
        shortcut = self.shortcut(block, a if self.model.spec.has_projection(block) else x)
        y = self.conv(f"{block.name}.conv1", a, self.stride(block, "conv1"))
        for number in range(2, self.model.spec.layers_per_block + 1):
            y = self.norm(f"{block.name}.bn{number}", y)
            self.note_3x3(f"{block.name}.conv{number - 1}", y)
            y = self.conv(f"{block.name}.conv{number}", F.relu(y), self.stride(block, f"conv{number}"))
        self.note_3x3(f"{block.name}.conv{self.model.spec.layers_per_block}", y)
        return self.add(block, shortcut, y)

    def add(self, block: Any, shortcut: Tensor, branch: Tensor) -> Tensor:
        self.shortcuts[block.name], self.branches[block.name] = shortcut, branch
        return shortcut + branch

    def shortcut(self, block: Any, x: Tensor) -> Tensor:
        name = f"{block.name}.downsample"
        if self.model.spec.has_projection(block):
            x = self.conv(f"{name}.0", x, block.stride)
            return x if self.model.spec.family == "preactivation" else self.norm(f"{name}.1", x)
        padded = torch.zeros(len(x), block.out_chans, *x[0, 0, :: block.stride, :: block.stride].shape).to(x)
        front = (block.out_chans - block.in_chans) // 2
        padded[:, front : front + block.in_chans] = x[:, :, :: block.stride, :: block.stride]
        return padded

    def stride(self, block: Any, conv: str) -> int:
        """That of the block is in its first 3x3 convolution."""
        convs = [f"conv{number}" for number in range(1, self.model.spec.layers_per_block + 1)]
        return block.stride if conv == next(name for name in convs if self.is_3x3(f"{block.name}.{name}")) else 1

    def is_3x3(self, name: str) -> bool:
        return self.model.state_dict()[f"{name}.weight"].shape[2:] == (3, 3)

    def note_3x3(self, name: str, response: Tensor) -> None:
        if self.is_3x3(name):
            self.responses[name] = response

    def conv(self, name: str, x: Tensor, stride: int = 1) -> Tensor:
        weight = self.model.state_dict()[f"{name}.weight"]
        return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    def norm(self, name: str, x: Tensor) -> Tensor:
        state = self.model.state_dict()
        mean, variance, scale, shift = (
            state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, variance, scale, shift)


def by_hand(model: resnetzoo.CifarNet, inputs: Tensor) -> ByHand:
    forward = ByHand(model)
    with torch.no_grad():
        torch.testing.assert_close(forward.run(inputs), model.eval()(inputs))
    return forward


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
    model = lived_in(spec).double()
    inputs, labels = torch.randn(4, 3, 8, 8, dtype=torch.float64), torch.tensor([0, 3, 9, 3])
    found = analysis.gradient_norms(model, (inputs, labels))
    F.cross_entropy(model.train()(inputs), labels).backward()
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)}
    np.testing.assert_allclose(found.values, [float(layer.weight.grad.norm()) for layer in layers.values()])
    assert found.names == tuple(layers)
    assert len(found.names) == spec.depth + sum(spec.has_projection(block) for block in spec.blocks())


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
    other = resnetzoo.Normalization("channel", own.mean + 0.5, own.std * 2)
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


def test_the_middle_of_the_surface_is_the_networks_own_loss(tiny_model: resnetzoo.CifarNet, images: ImageSet) -> None:
    surface = analysis.loss_surface(tiny_model, images, points=3, span=0.7)
    assert surface.losses.shape == (3, 3)
    assert surface.losses[1, 1] == resnetzoo.evaluate(tiny_model, images).loss
    again = analysis.loss_surface(tiny_model, images, points=3, span=0.7)
    np.testing.assert_array_equal(surface.losses, again.losses)
    other = analysis.loss_surface(tiny_model, images, points=3, span=0.7, seed=1)
    assert (surface.losses != other.losses).sum() == 8


def test_the_steps_of_the_surface(tiny_model: resnetzoo.CifarNet) -> None:
    """At 7 points and 0.7, steps that were added up would miss the middle by their rounding."""
    batch = torch.zeros(1, 3, 4, 4), torch.tensor([0])
    surface = analysis.loss_surface(tiny_model, batch, points=7, span=0.7)
    np.testing.assert_allclose(surface.first, np.linspace(-0.7, 0.7, 7), atol=1e-12)
    np.testing.assert_array_equal(surface.first, surface.second)
    assert surface.first[3] == 0
    assert surface.first[-1] == 0.7


def test_the_corners_of_the_surface_by_hand(tiny_model: resnetzoo.CifarNet, images: ImageSet) -> None:
    """Each filter of a direction is as long as the network's; norms and biases do not move."""
    surface = analysis.loss_surface(tiny_model, images, points=3, span=0.5, seed=7)
    random = torch.Generator().manual_seed(7)
    weights = [name for name, value in tiny_model.named_parameters() if value.dim() > 1]
    directions: list[dict[str, Tensor]] = [{}, {}]
    for direction in directions:
        for name in weights:
            weight = tiny_model.get_parameter(name).detach()
            drawn = torch.randn(weight.shape, generator=random)
            direction[name] = torch.stack([d / d.norm() * w.norm() for d, w in zip(drawn, weight, strict=True)])
    for (i, a), (j, b) in [((0, -0.5), (0, -0.5)), ((0, -0.5), (2, 0.5)), ((2, 0.5), (1, 0))]:
        moved = copy.deepcopy(tiny_model)
        for name in weights:
            moved.get_parameter(name).data += a * directions[0][name] + b * directions[1][name]
        assert surface.losses[i, j] == pytest.approx(resnetzoo.evaluate(moved, images).loss, rel=1e-5)


def test_values_sorted_fall_with_their_names() -> None:
    values = analysis.LayerValues(("a", "b", "c", "d"), np.array([1.0, np.nan, 3.0, 2.0]))
    fallen = values.sorted()
    assert fallen.names == ("c", "d", "a", "b")
    np.testing.assert_array_equal(fallen.values, [3, 2, 1, np.nan])
    assert values.names == ("a", "b", "c", "d")


@pytest.mark.parametrize("name", MEASURES)
def test_other_models_are_refused(name: str, images: ImageSet) -> None:
    with pytest.raises(resnetzoo.UsageError, match=r"takes a network of resnetzoo.*not Linear"):
        MEASURES[name](nn.Linear(3, 3), images)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (resnetzoo.synthetic(train_images=10, test_images=10), "an ImageSet, such as data.test, or a tensor, not Data"),
        (np.zeros((2, 3, 8, 8)), "or a tensor, not ndarray"),
        (torch.zeros(3, 8, 8), r"must be \(N, 3, H, W\).*not torch.float32 \[3, 8, 8\]"),
        (torch.zeros(2, 1, 8, 8), r"not torch.float32 \[2, 1, 8, 8\]"),
        (torch.zeros(0, 3, 8, 8), "at least one image of one pixel"),
        (torch.zeros(2, 3, 8, 0), "at least one image of one pixel"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.int64), "uint8 pixels or normalized floats, not torch.int64"),
    ],
)
def test_images_that_no_network_reads(images: Any, message: str, tiny_model: resnetzoo.CifarNet) -> None:
    measures: list[Callable[[], object]] = [
        lambda: analysis.response_std(tiny_model, images),
        lambda: analysis.shortcut_share(tiny_model, images),
        lambda: analysis.cka(tiny_model, tiny_model, images),
        lambda: analysis.gradient_norms(tiny_model, (images, torch.zeros(2, dtype=torch.int64))),
    ]
    for measure in measures:
        with pytest.raises(resnetzoo.UsageError, match=message):
            measure()


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (torch.zeros(2, 3, 8, 8), r"an ImageSet, or \(images, labels\), not Tensor"),
        ((torch.zeros(2, 3, 8, 8),), r"or \(images, labels\), not tuple of 1"),
        ((torch.zeros(2, 3, 8, 8), torch.zeros(2)), r"int64 tensor, one for each of 2 images, not torch.float32 \[2\]"),
        ((torch.zeros(2, 3, 8, 8), torch.zeros(3, dtype=torch.int64)), r"2 images, not torch.int64 \[3\]"),
        ((torch.zeros(2, 3, 8, 8), [0, 1]), "2 images, not list"),
        (
            (torch.zeros(2, 3, 8, 8), torch.tensor([0, 10])),
            "image 1 has label 10; the network's classes go from 0 to 9",
        ),
    ],
)
def test_batches_without_a_loss(batch: Any, message: str, tiny_model: resnetzoo.CifarNet) -> None:
    for measure in (analysis.gradient_norms, analysis.loss_surface):
        with pytest.raises(resnetzoo.UsageError, match=message):
            measure(tiny_model, batch)


def test_what_cannot_be_measured_says_why(tiny_model: resnetzoo.CifarNet, images: ImageSet) -> None:
    with pytest.raises(resnetzoo.UsageError, match="plainnet8 is plain and has no shortcuts"):
        analysis.shortcut_share(resnetzoo.plainnet(8), images)
    with pytest.raises(resnetzoo.UsageError, match="from 2 to 2,000 of them, not 1;"):
        analysis.cka(tiny_model, tiny_model, torch.zeros(1, 3, 8, 8))
    with pytest.raises(resnetzoo.UsageError, match="not 2,001;"):
        analysis.cka(tiny_model, tiny_model, torch.zeros(2_001, 3, 1, 1))
    with pytest.raises(resnetzoo.UsageError, match="batch_size must be a whole number from 1, not 0"):
        analysis.response_std(tiny_model, images, batch_size=0)
    with pytest.raises(resnetzoo.UsageError, match="points must be a whole number from 3, not 1"):
        analysis.loss_surface(tiny_model, images, points=1)
    with pytest.raises(resnetzoo.UsageError, match=r"points must be odd.*not 4: take 5"):
        analysis.loss_surface(tiny_model, images, points=4)
    with pytest.raises(resnetzoo.UsageError, match="span must be a number above 0, not -1"):
        analysis.loss_surface(tiny_model, images, span=-1)
    with pytest.raises(resnetzoo.UsageError, match="seed must be a whole number"):
        analysis.loss_surface(tiny_model, images, seed=-1)
    tiny_model.reset_classifier(0)
    with pytest.raises(resnetzoo.UsageError, match=r"no classifier, so no loss.*reset_classifier\(10\)"):
        analysis.gradient_norms(tiny_model, images)
    assert len(analysis.response_std(tiny_model, images).names) == 7


@pytest.mark.parametrize(
    ("plot", "scale"),
    [
        (analysis.plot_response_std, "linear"),
        (analysis.plot_gradient_norms, "log"),
        (analysis.plot_shortcut_share, "linear"),
    ],
)
def test_lines_show_their_values(plot: Callable[..., None], scale: str, axes: Axes) -> None:
    one = analysis.LayerValues(("a", "b", "c"), np.array([0.1, 0.3, 0.2]))
    plot(axes, {"one": one, "other": one.sorted()})
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    drawn = {str(line.get_label()): line for line in axes.lines}
    assert list(drawn) == ["one", "other"] == [text.get_text() for text in axes.get_legend().get_texts()]
    np.testing.assert_array_equal(drawn["one"].get_xydata(), [[1, 0.1], [2, 0.3], [3, 0.2]])
    np.testing.assert_array_equal(drawn["other"].get_ydata(), [0.3, 0.2, 0.1])
    assert axes.get_yscale() == scale
    assert axes.get_xlabel()
    assert axes.get_ylabel()


@pytest.mark.parametrize(("rows", "step"), [(3, 1), (13, 2), (60, 5)])
def test_the_picture_of_similarities(rows: int, step: int, axes: Axes) -> None:
    names = tuple(f"row{place}" for place in range(rows))
    values = np.random.default_rng(0).random((rows, 2))
    picture = analysis.plot_cka(axes, analysis.Similarity(names, ("left", "right"), values))
    np.testing.assert_array_equal(picture.get_array(), values)
    assert picture.get_clim() == (0, 1)
    assert [text.get_text() for text in axes.get_yticklabels()] == list(names[::step])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["left", "right"]
    assert axes.get_yticks().tolist() == list(range(0, rows, step))
    assert axes.get_ylim() == (-0.5, rows - 0.5)


def test_contours_run_where_the_losses_are(axes: Axes) -> None:
    steps = np.linspace(-1, 1, 21)
    losses = 1 + 99 * (0.5 + steps[:, None] / 2) + 0 * steps  # 1 to 100 along the first direction
    losses[0, 0] = np.nan
    analysis.plot_loss_surface(axes, analysis.Surface(steps, steps, losses))
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    (contours,) = (child for child in axes.get_children() if isinstance(child, ContourSet))
    assert contours.levels[0] == pytest.approx(1)
    assert contours.levels[-1] == pytest.approx(100)
    for level, path in zip(contours.levels[1:-1], contours.get_paths()[1:-1], strict=True):
        np.testing.assert_allclose(path.vertices[:, 0], 2 * (level - 1) / 99 - 1, atol=1e-6)
    assert len(axes.texts) > 5


@pytest.mark.parametrize("loss", [2.3, 0.0, np.nan, np.inf])
def test_a_surface_without_contours(loss: float, axes: Axes) -> None:
    steps = np.linspace(-1, 1, 3)
    analysis.plot_loss_surface(axes, analysis.Surface(steps, steps, np.full((3, 3), loss)))
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    assert not any(isinstance(child, ContourSet) for child in axes.get_children())
