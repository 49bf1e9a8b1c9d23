"""The trainer: what it computes, what it writes, how it goes on, and what it refuses."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import small_network
from PIL import Image
from torch import nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

import resnetzoo
from resnetzoo.data.device_loader import DeviceLoader
from resnetzoo.data.normalization import measure_normalization
from resnetzoo.errors import (
    CheckpointError,
    DeviceError,
    NonFiniteLossError,
    ResultsError,
)
from resnetzoo.training.recipes import lr_at
from resnetzoo.training.results import read_record
from resnetzoo.training.schedules import LowStart
from resnetzoo.utils.checksummed_json import read_checksummed, write_checksummed
from resnetzoo.weights.checkpoint.training_state import read_checkpoint


def fit(
    data: resnetzoo.Data, recipe: resnetzoo.Recipe, out: Path | None = None, *, seed: int = 0, model_seed: int = 0
) -> resnetzoo.Run:
    return resnetzoo.fit(
        small_network(model_seed), data, recipe, seed=seed, precision="fp32", device="cpu", out=out, progress=False
    )


def same_weights(first: nn.Module, second: nn.Module) -> bool:
    one, two = first.state_dict(), second.state_dict()
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


def test_it_computes_what_a_plain_loop_does(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    """A loop as in any tutorial, in the same order of images, ends with the same weights."""
    recipe = replace(tiny_recipe, label_smoothing=0.1, nesterov=True, weight_decay=1e-2, clip_norm=0.5)
    norms = []
    run = fit(tiny_data, recipe, seed=5)

    model = small_network(0).train()
    normalization = measure_normalization(tiny_data.train.images, recipe.normalization)
    loader = DeviceLoader(tiny_data.train, normalization, padding=4, flip=True, device=torch.device("cpu"))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9, nesterov=True, weight_decay=1e-2)
    losses = []
    for step in range(6):
        augmentation = loader.augmentation(seed=5, epoch=step // 3)
        images, labels = loader.batch(augmentation, slice(step % 3 * 16, step % 3 * 16 + 16))
        optimizer.param_groups[0]["lr"] = lr_at(recipe, step)
        loss = F.cross_entropy(model(images), labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        norms.append(float(nn.utils.clip_grad_norm_(model.parameters(), 0.5)))
        optimizer.step()
        losses.append(loss.item())
    assert max(norms) > 0.5  # some of them are clipped
    for path, parameter in run.model.named_parameters():
        torch.testing.assert_close(parameter, model.get_parameter(path), rtol=1e-3, atol=1e-5)
    assert [row.train_loss for row in run.epochs] == pytest.approx([sum(losses[:3]) / 3, sum(losses[3:]) / 3], rel=1e-4)


def test_a_run_says_everything(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path) -> None:
    run = fit(tiny_data, tiny_recipe, tmp_path / "run", seed=3)
    assert [(row.epoch, row.step, row.lr) for row in run.epochs] == [(1, 3, 0.05), (2, 6, 0.0005)]
    assert not run.model.training
    written = read_checksummed(tmp_path / "run" / "run.json")
    assert written == json.loads(json.dumps(run.to_dict()))
    assert read_record(tmp_path / "run" / "run.json").to_dict() == run.to_dict()
    assert written["seed"] == 3
    assert written["spec"]["depth"] == 8
    assert written["recipe"]["schedule"] == {"kind": "StepDecay", "milestones": [3, 5], "factor": 0.1}
    assert written["data"]["fingerprint"] == tiny_data.fingerprint
    assert (written["data"]["train_images"], written["data"]["test_images"]) == (48, 20)
    assert written["versions"]["torch"] == torch.__version__
    del written["seed"]
    write_checksummed(tmp_path / "older.json", written)
    with pytest.raises(ResultsError, match=r"not a run as this version writes it .*; if a run or a report wrote it"):
        read_record(tmp_path / "older.json")
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert [line["test_error"] for line in lines] == [row.test_error for row in run.epochs]


def test_seeds_differ_and_repeat(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    first, again, other = (fit(tiny_data, tiny_recipe, seed=seed) for seed in (1, 1, 2))
    assert same_weights(first.model, again.model)
    assert not same_weights(first.model, other.model)


def test_bf16_trains_too(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    run = resnetzoo.fit(small_network(0), tiny_data, tiny_recipe, precision="bf16", device="cpu", progress=False)
    exact = fit(tiny_data, tiny_recipe)
    assert run.precision == "bf16"
    assert run.epochs[-1].train_loss == pytest.approx(exact.epochs[-1].train_loss, rel=0.05)
    assert all(parameter.dtype == torch.float32 for parameter in run.model.parameters())


def test_a_network_from_elsewhere(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
    run = resnetzoo.fit(model, tiny_data, tiny_recipe, out=tmp_path, progress=False)
    assert (run.name, run.spec) == ("Sequential", None)
    with pytest.raises(CheckpointError, match="Sequential, which resnetzoo cannot build"):
        resnetzoo.load_checkpoint(tmp_path)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:this run is carried out step by step")
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
def test_a_loss_that_explodes_stops_and_keeps_the_last_good_state(
    device: str, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    class Explodes(nn.Module):
        """Well for one epoch of three steps, infinite behind it; it asks for a value, so it cannot be recorded."""

        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3 * 32 * 32, 10)
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            if self.training:
                self.calls += 1
            return self.fc(images.flatten(1)) * (torch.inf if self.calls > 3 else 1.0)

    with pytest.raises(NonFiniteLossError, match=r"the loss became .* by step 6 .*good checkpoint is .*checkpoint\.pt"):
        resnetzoo.fit(Explodes(), tiny_data, tiny_recipe, device=device, out=tmp_path, precision="fp32", progress=False)
    kept = read_checkpoint(tmp_path / "checkpoint.pt")
    assert kept.step == 3
    assert all(value.isfinite().all() for value in kept.model.values())


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("kept", [True, False])
def test_a_network_that_is_not_finite_to_begin_with_is_refused_before_anything_is_written(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, value: float, kept: bool
) -> None:
    model, out = small_network(0), tmp_path / "run" if kept else None
    with torch.no_grad():
        model.fc.bias[2] = value
    for train in (
        lambda: resnetzoo.fit(model, tiny_data, tiny_recipe, device="cpu", out=out, progress=False),
        lambda: resnetzoo.fit_many(
            [resnetzoo.Job(model, tiny_recipe, out=out)], tiny_data, device="cpu", progress=False
        ),
    ):
        with pytest.raises(resnetzoo.UsageError, match=r"infinite or NaN before the first step: fc\.bias\. If"):
            train()
    assert not (tmp_path / "run").exists()


class OverflowsInTests(nn.Module):
    """Sound in training; its tests with these numbers overflow, as a deep plain network's do in its first steps."""

    def __init__(self, *tests: int) -> None:
        super().__init__()
        self.fc = nn.Linear(3 * 32 * 32, 10)
        self.tests = tests
        self.done = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.done += not self.training
        return self.fc(images.flatten(1)) * (torch.inf if not self.training and self.done in self.tests else 1.0)


def test_a_test_that_overflows_on_the_way_does_not_end_a_run(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    model = OverflowsInTests(1)
    run = resnetzoo.fit(
        model, tiny_data, tiny_recipe, precision="fp32", device="cpu", out=tmp_path / "a", progress=False
    )
    assert [math.isnan(row.test_loss) for row in run.epochs] == [True, False]

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    for path in (tmp_path / "a" / "run.json", tmp_path / "a" / "log.jsonl"):
        for text in [path.read_text()] if path.suffix == ".json" else path.read_text().splitlines():
            json.loads(text, parse_constant=refuse)
    assert math.isnan(read_record(tmp_path / "a" / "run.json").epochs[0].test_loss)


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize(
    ("tests", "when"),
    [((1, 2, 3), "every epoch"), ((1, 3), "the last epoch, 3"), ((2, 3), "every epoch since 2")],
)
def test_a_run_whose_last_test_overflows_has_no_result(
    tiny_data: resnetzoo.Data,
    tiny_recipe: resnetzoo.Recipe,
    tmp_path: Path,
    kept: bool,
    tests: tuple[int, ...],
    when: str,
) -> None:
    out, recipe = tmp_path / "a" if kept else None, tiny_recipe.with_epochs(3)
    with pytest.raises(NonFiniteLossError, match=rf"NaN in {when}: the run has no result; try a lower"):
        resnetzoo.fit(OverflowsInTests(*tests), tiny_data, recipe, device="cpu", out=out, progress=False)
    assert not (tmp_path / "a" / "run.json").exists()
    with pytest.raises(NonFiniteLossError, match=r"by step 3 at learning rate 1.*, in epoch 1: "):
        fit(tiny_data, replace(tiny_recipe, lr=1e38, schedule=resnetzoo.recipes.StepDecay((), 0.5)), out=None)


def test_a_network_that_gives_nan_has_no_error(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    model = small_network(0)
    model.normalization = tiny_data.train.normalization("channel")
    with torch.no_grad():
        model.fc.bias[2] = torch.nan
    Image.new("RGB", (32, 32)).save(tmp_path / "photo.png")
    for measure in (
        lambda: resnetzoo.evaluate(model, tiny_data.test),
        lambda: resnetzoo.agreement(model, small_network(0), tiny_data.test),
        lambda: resnetzoo.agreement(small_network(0), model, tiny_data.test),
        lambda: resnetzoo.predict(model, tmp_path / "photo.png"),
    ):
        with pytest.raises(NonFiniteLossError):
            measure()


@pytest.mark.filterwarnings("ignore:this run is carried out step by step")
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
@pytest.mark.parametrize(("step", "kept"), [(2, 0), (5, 3)])
def test_weights_that_explode_behind_a_finite_loss_are_not_saved(
    device: str, step: int, kept: int, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    """A hook makes them explode, which a recorded step would not call; the fifth step would be one."""
    model, gradients = small_network(0), []

    def explode(gradient: torch.Tensor) -> torch.Tensor:
        gradients.append(gradient)
        return gradient * torch.inf if len(gradients) == step else gradient

    model.fc.weight.register_hook(explode)
    with pytest.raises(NonFiniteLossError, match=f"by step {step} "):
        resnetzoo.fit(
            model,
            tiny_data,
            tiny_recipe,
            device=device,
            out=tmp_path,
            checkpoint_every=step,
            precision="fp32",
            progress=False,
        )
    assert read_checkpoint(tmp_path / "checkpoint.pt").step == kept


def test_the_low_start_ends_in_a_real_run(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    low = LowStart(lr=0.001, until_error=80.0, min_depth=8)
    recipe = replace(tiny_recipe, steps=60, schedule=resnetzoo.recipes.StepDecay((1_000,)), low_start=low)
    rows = fit(tiny_data, recipe).epochs
    first_good = next(place for place, row in enumerate(rows) if row.train_error < 80)
    assert 0 < first_good + 1 < len(rows)
    assert {row.lr for row in rows[: first_good + 1]} == {0.001}
    assert {row.lr for row in rows[first_good + 1 :]} == {0.05}


@pytest.mark.parametrize(
    ("choices", "error", "message"),
    [
        ({"seed": -1}, resnetzoo.UsageError, "seed must be a whole number from 0"),
        ({"seed": 2**64}, resnetzoo.UsageError, "seed must be a whole number from 0"),
        ({"checkpoint_every": 0}, resnetzoo.UsageError, "checkpoint_every must be a whole number from 1"),
        ({"compile": 0}, resnetzoo.UsageError, "compile must be True, False or None, not 0"),
        ({"record": "yes"}, resnetzoo.UsageError, "record must be True, False or None, not 'yes'"),
        ({"precision": "fp8"}, resnetzoo.UsageError, "precision must be auto, fp32 or bf16"),
        ({"device": "tpu"}, resnetzoo.UsageError, "device must be auto, cpu, cuda"),
        ({"device": "meta"}, resnetzoo.UsageError, "device must be auto, cpu, cuda"),
    ],
)
def test_arguments_that_cannot_be(
    tiny_data: resnetzoo.Data, choices: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        resnetzoo.fit(small_network(0), tiny_data, progress=False, **choices)  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_cuda_where_there_is_none(tiny_data: resnetzoo.Data) -> None:
    with pytest.raises(DeviceError, match=r'device "cuda" is not available: .* finds no CUDA device'):
        resnetzoo.fit(small_network(0), tiny_data, device="cuda", progress=False)


@pytest.mark.cuda
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_cuda_learns_as_the_cpu_does(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, precision: str) -> None:
    there = resnetzoo.fit(small_network(0), tiny_data, tiny_recipe, device="cuda", precision=precision, progress=False)
    here = fit(tiny_data, tiny_recipe)
    assert there.epochs[0].train_loss == pytest.approx(here.epochs[0].train_loss, rel=0.05)


def test_a_network_for_other_data_is_refused(tiny_data: resnetzoo.Data) -> None:
    with pytest.raises(
        resnetzoo.UsageError, match=r"2 classes, but the synthetic dataset has 10: create\(..., num_classes=10\)"
    ):
        resnetzoo.fit(resnetzoo.plainnet(8, num_classes=2), tiny_data, progress=False)
    with pytest.raises(resnetzoo.UsageError, match=r"takes 1 channel, the images have 3: create\(..., in_chans=3\)"):
        resnetzoo.fit(resnetzoo.plainnet(8, in_chans=1), tiny_data, progress=False)
    with pytest.raises(resnetzoo.UsageError, match="the network has 2 classes, but the images have 10"):
        resnetzoo.evaluate(resnetzoo.plainnet(8, num_classes=2), tiny_data.test)
    with pytest.raises(resnetzoo.UsageError, match="batch_size must be a whole number from 1, not 0"):
        resnetzoo.evaluate(resnetzoo.plainnet(8), tiny_data.test, batch_size=0)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (
            {"crop_padding": 32, "crop_padding_mode": "reflect"},
            "crop_padding=32 cannot be filled by reflection: images of 32",
        ),
        ({"cutout": 32}, "cutout=32 may leave nothing of an image of 32 pixels: .* such as 16"),
    ],
)
def test_augmentation_that_images_are_too_small_for_is_refused(
    choices: dict[str, Any], message: str, tiny_recipe: resnetzoo.Recipe
) -> None:
    data = resnetzoo.synthetic(train_images=8, test_images=2)
    with pytest.raises(resnetzoo.UsageError, match=message):
        fit(data, replace(tiny_recipe, **choices))


@pytest.mark.parametrize(
    ("size", "count", "batch", "refused"), [(4, 17, 16, True), (1, 3, 1, True), (5, 17, 16, False)]
)
def test_a_batch_of_one_tiny_image_is_found_out_before_the_first_step(
    tiny_recipe: resnetzoo.Recipe, size: int, count: int, batch: int, refused: bool
) -> None:
    images = resnetzoo.ImageSet(
        torch.randint(256, (count, 3, size, size), dtype=torch.uint8), torch.arange(count) % 2, ("a", "b")
    )
    data = resnetzoo.Data("tiny", images, images, official=False, source="")
    recipe = replace(tiny_recipe, steps=2 * -(-count // batch), batch_size=batch, crop_padding=0)
    one_value = nn.Sequential(nn.Flatten(), nn.Linear(3 * size * size, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    for model, name in ((resnetzoo.resnet(8, num_classes=2), "layer3.0.bn1" if size > 1 else "bn1"), (one_value, "2")):
        before = {key: value.clone() for key, value in model.state_dict().items()}
        if refused or model is one_value:
            with pytest.raises(resnetzoo.UsageError, match=f"of which {name}, a batch norm, sees .* such as "):
                fit_model(model, data, recipe)
            assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
            assert not any(module._forward_pre_hooks for module in model.modules())
        else:
            fit_model(model, data, recipe)
    with pytest.raises(resnetzoo.UsageError, match="this Flatten has no weights"):
        fit_model(nn.Flatten(), data, recipe)


def fit_model(model: nn.Module, data: resnetzoo.Data, recipe: resnetzoo.Recipe) -> resnetzoo.Run:
    return resnetzoo.fit(model, data, recipe, device="cpu", precision="fp32", progress=False)


def test_a_classifier_put_in_by_hand_is_recorded_as_it_is(tmp_path: Path, tiny_recipe: resnetzoo.Recipe) -> None:
    data = resnetzoo.synthetic(seed=1, train_images=32, test_images=10)
    two = [
        resnetzoo.ImageSet(part.images, part.labels % 2, classes=("even", "odd")) for part in (data.train, data.test)
    ]
    model = resnetzoo.resnet(8)
    model.fc = nn.Linear(64, 2)
    pair = resnetzoo.Data("pair", *two, official=False, source="two classes of ten")
    run = resnetzoo.fit(model, pair, tiny_recipe, out=tmp_path, progress=False)
    again = resnetzoo.load_checkpoint(tmp_path)
    assert again.classes == ("even", "odd")
    assert resnetzoo.evaluate(again, pair.test).error == pytest.approx(run.epochs[-1].test_error)
