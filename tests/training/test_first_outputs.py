"""Networks from elsewhere that do not answer with logits are refused before anything is written."""

import random
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import Answers
from torch import Tensor, nn

import resnetzoo

REFUSED: dict[str, tuple[nn.Module, str]] = {
    "too few": (Answers(lambda logits: logits, 5), "Answers returns 5 logits for each image, but .* has 10 classes"),
    "a dictionary": (Answers(lambda logits: {"logits": logits}), "in training mode this Answers returns a dict, not a"),
    "auxiliary logits": (Answers(lambda logits: (logits, logits)), "returns a tuple, .* wrap it in a module whose"),
    "one dimension": (Answers(lambda logits: logits.flatten()), r"returns torch.float32 of \[160\], not .* \[16, 10\]"),
    "the class": (
        Answers(lambda logits: logits.argmax(1, keepdim=True)),
        "returns logits of torch.int64, which have no gradient",
    ),
    "a map": (nn.Conv2d(3, 10, 3), r"Conv2d returns torch.float32 of \[16, 10, 30, 30\]"),
    "other images": (
        nn.Sequential(nn.Flatten(), nn.Linear(100, 10)),
        r"this Sequential cannot take a batch of images of \[16, 3, 32, 32\]: RuntimeError: mat1 and mat2",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_logits_is_refused_before_anything_is_written(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, kind: str
) -> None:
    model, message = REFUSED[kind]
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.fit(
            model, tiny_data, tiny_recipe, device="cpu", precision="fp32", out=tmp_path / "run", progress=False
        )
    assert not (tmp_path / "run").exists()


class Ghost(nn.BatchNorm2d):
    """Norms of parts of a batch, which take no batch that cannot be divided (arXiv:1705.08741)."""

    def forward(self, images: Tensor) -> Tensor:
        if not self.training:
            return super().forward(images)
        return torch.cat([super(Ghost, self).forward(part) for part in images.unflatten(0, (4, -1))])


class OfItsGradient(nn.Linear):
    """A layer that asks for a gradient during the forward pass, as implicit layers do."""

    def forward(self, images: Tensor) -> Tensor:
        outputs = super().forward(images)
        if self.training:
            (gradient,) = torch.autograd.grad(outputs.sum(), self.weight, retain_graph=True)
            outputs = outputs + gradient.mean()
        return outputs


@pytest.mark.parametrize("layer", [Ghost(3), OfItsGradient(32, 32)], ids=lambda layer: type(layer).__name__)
def test_a_network_is_asked_as_in_a_step(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, layer: nn.Module
) -> None:
    model = nn.Sequential(layer, nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    run = resnetzoo.fit(model, tiny_data, tiny_recipe, device="cpu", precision="fp32", compile=False, progress=False)
    assert run.epochs[-1].step == tiny_recipe.steps


def test_a_network_is_asked_without_a_trace(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    def draw(logits: Tensor) -> Tensor:
        return logits + random.random() + float(np.random.rand()) + torch.rand(1)

    model, seen = Answers(draw), []

    def generators() -> tuple[object, ...]:
        return random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist()

    class Look(resnetzoo.Callback):
        def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
            norm = model.norm
            seen.append((model.calls, int(norm.num_batches_tracked), float(norm.running_mean.sum()), generators()))

    before = generators()
    resnetzoo.fit(
        model, tiny_data, tiny_recipe, device="cpu", precision="fp32", compile=False, progress=False, callbacks=[Look()]
    )
    assert seen == [(0, 0, 0.0, before)]
    assert model.norm.num_batches_tracked == tiny_recipe.steps


def test_hooks_see_the_steps_alone(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    model, seen = Answers(lambda logits: logits), []
    model.fc.register_forward_hook(lambda module, inputs, logits: seen.append(len(logits)))
    resnetzoo.fit(model, tiny_data, tiny_recipe, device="cpu", precision="fp32", compile=False, progress=False)
    assert seen == [16, 16, 16, 20] * 2


class Viewing(nn.Module):
    """Flattens with `view`, which channels-last tensors do not allow: the images, or what a convolution returns."""

    def __init__(self, convolves: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3, padding=1) if convolves else nn.Identity()
        self.fc = nn.Linear((4 if convolves else 3) * 32 * 32, 10)

    def forward(self, images: Tensor) -> Tensor:
        features = self.conv(images)
        logits: Tensor = self.fc(self.flat(features))
        return logits

    def flat(self, features: Tensor) -> Tensor:
        return features.view(features.size(0), -1)


class Reshaping(Viewing):
    def flat(self, features: Tensor) -> Tensor:
        return features.reshape(features.size(0), -1)


@pytest.mark.parametrize("convolves", [False, True], ids=["images", "features"])
@pytest.mark.parametrize("part", [{}, {"mixup": 0.2, "ema_decay": 0.5}], ids=["plain", "parts"])
def test_a_network_that_takes_contiguous_images_alone_learns_as_others(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, convolves: bool, part: dict[str, float], tmp_path: Path
) -> None:
    recipe = replace(tiny_recipe, **part)  # type: ignore[arg-type]
    fits = partial(resnetzoo.fit, data=tiny_data, recipe=recipe, device="cpu", precision="fp32", progress=False)
    run, expected = fits(Viewing(convolves), out=tmp_path), fits(Reshaping(convolves))
    for found, reshaped in zip(run.model.parameters(), expected.model.parameters(), strict=True):
        torch.testing.assert_close(found, reshaped, rtol=1e-3, atol=1e-5)
    assert run.epochs[-1].test_loss == pytest.approx(expected.epochs[-1].test_loss, rel=1e-4)
    assert resnetzoo.evaluate(run.model, tiny_data.test).error == run.epochs[-1].test_error
    assert len(resnetzoo.metrics.logits_of(Viewing(convolves), tiny_data.test).logits) == len(tiny_data.test)
    resumed = fits(Viewing(convolves), out=tmp_path)
    assert resumed.epochs == run.epochs


def test_a_network_that_takes_channels_last_images_gets_them(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    seen = set()

    def look(features: Tensor) -> Tensor:
        seen.add(features.is_contiguous(memory_format=torch.channels_last))
        return features

    class Looks(Reshaping):
        def flat(self, features: Tensor) -> Tensor:
            return super().flat(look(features))

    run = resnetzoo.fit(Looks(True), tiny_data, tiny_recipe, device="cpu", precision="fp32", progress=False)
    resnetzoo.evaluate(run.model, tiny_data.test)
    assert seen == {True}


def test_images_that_do_not_fit_are_named_before_a_norm_of_a_single_value_is_sought(tmp_path: Path) -> None:
    """The last batch has one image."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(100, 10), nn.BatchNorm1d(10))
    data = resnetzoo.synthetic(train_images=65, test_images=20)
    recipe = resnetzoo.recipes.SMOKE.with_batch_size(16).with_epochs(1)
    with pytest.raises(resnetzoo.UsageError, match="this Sequential cannot take a batch of images of"):
        resnetzoo.fit(model, data, recipe, device="cpu", precision="fp32", out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
