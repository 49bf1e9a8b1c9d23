"""What a recipe may have beside the usual: each part is off unless asked for, resumes to the bit, and is recorded."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import small_network
from op_recorder import OpRecorder
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

import resnetzoo
from resnetzoo.data.device_loader import DeviceLoader, draw_augmentation
from resnetzoo.data.normalization import measure_normalization
from resnetzoo.errors import CheckpointMismatchError
from resnetzoo.training.optimizer import make_optimizer
from resnetzoo.training.recipes import lr_at
from resnetzoo.training.strategies import base

PARTS: dict[str, dict[str, Any]] = {
    "reflection": {"crop_padding_mode": "reflect"},
    "cutout": {"cutout": 16},
    "mixup": {"mixup": 0.4},
    "no decay of norms": {"decay_norms_and_biases": False},
    "average": {"ema_decay": 0.6},
}
each_part = pytest.mark.parametrize("part", PARTS)


class Fails(resnetzoo.Callback):
    """Ends the run by an error behind its fifth step, in the middle of the second epoch; the fourth was saved."""

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if trainer.step == 5:
            raise RuntimeError("the fifth")


def train(
    recipe: resnetzoo.Recipe,
    data: resnetzoo.Data,
    out: Path | None = None,
    *callbacks: resnetzoo.Callback,
) -> dict[str, Tensor]:
    """The weights, and the figures of each epoch, of six steps."""
    run = resnetzoo.fit(
        small_network(0),
        data,
        recipe,
        seed=3,
        device="cpu",
        precision="fp32",
        out=out,
        checkpoint_every=None if out is None else 2,
        progress=False,
        callbacks=callbacks,
    )
    figures = [(row.train_loss, row.train_error, row.test_loss, row.test_error) for row in run.epochs]
    return {**run.model.state_dict(), "figures": torch.tensor(figures, dtype=torch.float64)}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


@each_part
def test_a_part_changes_the_run_and_resumes_to_the_bit(
    part: str, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    recipe = replace(tiny_recipe, **PARTS[part])
    straight = train(recipe, tiny_data)
    assert not same(straight, train(tiny_recipe, tiny_data))
    with pytest.raises(RuntimeError, match="the fifth"):
        train(recipe, tiny_data, tmp_path, Fails())
    with pytest.raises(CheckpointMismatchError, match=rf"recipe\.{next(iter(PARTS[part]))} is"):
        train(tiny_recipe, tiny_data, tmp_path)
    assert same(train(recipe, tiny_data, tmp_path), straight)
    assert same(train(recipe, tiny_data, tmp_path), straight)  # finished: read, not repeated
    kept = resnetzoo.load_checkpoint(tmp_path).state_dict()
    assert all(torch.equal(kept[key], straight[key]) for key in kept)


@each_part
def test_a_part_is_recorded_as_it_is_carried_out(
    part: str, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four whole batches and one of 8 in each of three epochs; nothing in a step is Python's."""
    recipe = replace(tiny_recipe, **PARTS[part], steps=15, batch_size=10)
    recorders: list[OpRecorder] = []

    def recorder_for(stream: object) -> OpRecorder:
        recorders.append(OpRecorder())
        return recorders[-1]

    plain = train(recipe, tiny_data)
    monkeypatch.setattr(base, "recorder_for", recorder_for)
    recorded = train(recipe, tiny_data)
    assert recorders[0].replayed >= 10
    for key, value in plain.items():
        torch.testing.assert_close(recorded[key], value, rtol=1e-5, atol=1e-6)


def test_without_any_part_a_run_is_a_loop_of_torch_alone_to_the_bit(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    """The steps of the versions that had none of them, written out; `test_device_loader` has their batches."""
    recipe = replace(tiny_recipe, label_smoothing=0.1, nesterov=True, weight_decay=1e-2)
    found = train(recipe, tiny_data)
    model = small_network(0).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    normalization = measure_normalization(tiny_data.train.images, recipe.normalization)
    loader = DeviceLoader(tiny_data.train, normalization, padding=4, flip=True, device=torch.device("cpu"))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9, nesterov=True, weight_decay=1e-2, fused=True)
    for step in range(6):
        augmentation = loader.augmentation(seed=3, epoch=step // 3)
        images, labels = loader.batch(augmentation, slice(step % 3 * 16, step % 3 * 16 + 16))
        optimizer.param_groups[0]["lr"] = lr_at(recipe, step)
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels, label_smoothing=0.1).backward()
        optimizer.step()
    for key, value in model.state_dict().items():
        assert torch.equal(found[key], value), key


def test_the_draws_of_order_crops_and_flips_are_those_of_earlier_versions() -> None:
    drawn = draw_augmentation(5, seed=3, epoch=2, padding=4, flip=True)
    assert drawn.order.tolist() == [2, 0, 4, 1, 3]
    assert (drawn.top.tolist(), drawn.left.tolist()) == ([1, 4, 2, 2, 7], [7, 6, 1, 8, 3])
    assert drawn.flip.tolist() == [False, True, True, True, False]


@each_part
def test_a_part_that_is_off_is_stored_nowhere(part: str, tiny_recipe: resnetzoo.Recipe) -> None:
    assert not PARTS[part].keys() & tiny_recipe.to_dict().keys()
    recipe = replace(tiny_recipe, **PARTS[part])
    assert recipe.to_dict().items() >= PARTS[part].items()
    assert resnetzoo.Recipe.from_dict(recipe.to_dict()) == recipe


def test_norms_and_biases_keep_their_size_where_they_do_not_decay(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe
) -> None:
    """Against SGD with decay on all, step by step: w - lr (g + decay w), so that the decay is all the difference."""
    one_step = replace(tiny_recipe, steps=1, lr=0.5, momentum=0.0, schedule=resnetzoo.recipes.StepDecay(()))
    all_decay, some_decay = (
        train(replace(one_step, weight_decay=0.1, decay_norms_and_biases=decays), tiny_data) for decays in (True, False)
    )
    for name, before in small_network(0).named_parameters():
        lost = 0.5 * 0.1 * before.detach() if before.dim() == 1 else torch.zeros(())
        torch.testing.assert_close(some_decay[name] - all_decay[name], lost.expand_as(before), rtol=1e-3, atol=1e-6)
    undecayed = replace(one_step, decay_norms_and_biases=False)
    whole = make_optimizer(nn.Linear(2, 3, bias=False), undecayed, torch.device("cpu"), lr_on_device=False)
    assert [len(group["params"]) for group in whole.param_groups] == [1]
