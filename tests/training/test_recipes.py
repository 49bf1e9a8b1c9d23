"""Learning rates at every corner, lengths, and the warm-up that must end."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import resnetzoo
from resnetzoo import recipes
from resnetzoo.training.presets import HE2015, MODERN, QUICK20, RECIPES, RESNEXT2017, SMOKE, WRN2016, get_recipe
from resnetzoo.training.recipes import lr_at, starts_low
from resnetzoo.training.schedules import OneCycle, StepDecay


@pytest.mark.parametrize(
    ("step", "lr"),
    [
        (0, 0.1),
        (31_999, 0.1),
        (32_000, 0.01),
        (47_999, 0.01),
        (48_000, 0.001),
        (63_999, 0.001),
        (64_000, 0.001),
    ],
)
def test_he2015_is_the_papers_schedule(step: int, lr: float) -> None:
    assert lr_at(HE2015, step) == lr


def test_he2015_is_the_papers_recipe() -> None:
    assert (HE2015.steps, HE2015.epochs, HE2015.batch_size) == (64_000, None, 128)
    assert (HE2015.momentum, HE2015.nesterov, HE2015.weight_decay) == (0.9, False, 1e-4)
    assert (HE2015.normalization, HE2015.crop_padding, HE2015.flip) == ("per_pixel_mean", 4, True)
    assert HE2015.label_smoothing == 0
    assert HE2015.for_images(45_000) is HE2015


@pytest.mark.parametrize(
    ("recipe", "epochs", "rates"),
    [
        (WRN2016, 200, {0: 0.1, 60: 0.02, 120: 0.004, 160: 0.0008}),
        (RESNEXT2017, 300, {0: 0.1, 150: 0.01, 225: 0.001}),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_recipes_of_wide_networks_are_those_of_their_papers(
    recipe: resnetzoo.Recipe, epochs: int, rates: dict[int, float]
) -> None:
    assert (recipe.steps, recipe.batch_size, recipe.for_images(50_000)) == (epochs * 391, 128, recipe)
    for images, steps in ((50_000, 391), (45_000, 352)):  # of an epoch
        as_run = recipe.for_images(images)
        seen = [lr_at(as_run, epoch * steps + place) for epoch in range(epochs) for place in (0, steps - 1)]
        changes = {place // 2: lr for place, lr in enumerate(seen) if place == 0 or lr != seen[place - 1]}
        assert changes == rates
    assert (recipe.momentum, recipe.nesterov, recipe.weight_decay) == (0.9, True, 5e-4)
    assert (recipe.normalization, recipe.crop_padding, recipe.flip) == ("channel", 4, True)
    assert recipe.crop_padding_mode == ("reflect" if recipe is WRN2016 else "zeros")


@pytest.mark.parametrize("recipe", [QUICK20, MODERN, SMOKE], ids=lambda recipe: recipe.name)
def test_one_cycle_corners(recipe: resnetzoo.Recipe) -> None:
    assert isinstance(recipe.schedule, OneCycle)
    rates = [lr_at(recipe, step) for step in range(recipe.steps)]
    rise = round(recipe.schedule.rise * recipe.steps)
    top = rise - 1
    assert rates[0] == pytest.approx(recipe.lr / rise)
    assert rates[rise] == recipe.lr
    assert rates[top] == pytest.approx(recipe.lr) == max(rates)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[rise:] == sorted(rates[rise:], reverse=True)
    assert rates[-1] == pytest.approx(recipe.lr / (recipe.steps - rise))
    assert lr_at(recipe, recipe.steps) == lr_at(recipe, recipe.steps + 5) == 0


@given(steps=st.integers(1, 5000), rise=st.floats(0, 1), data=st.data())
def test_one_cycle_stays_between_zero_and_its_peak(steps: int, rise: float, data: st.DataObject) -> None:
    recipe = replace(SMOKE, steps=steps, schedule=OneCycle(rise))
    assert 0 <= lr_at(recipe, data.draw(st.integers(0, 2 * steps))) <= recipe.lr * (1 + 1e-9)


def test_a_step_before_the_first_is_refused() -> None:
    with pytest.raises(resnetzoo.UsageError, match="step must be a whole number from 0, not -1"):
        lr_at(HE2015, -1)


def test_quick20_is_20_epochs_of_any_data() -> None:
    assert QUICK20.for_images(50_000) == QUICK20
    assert QUICK20.steps == 20 * 391
    assert QUICK20.for_images(10_000).steps == 20 * 79
    assert QUICK20.for_images(1).steps == 20


def test_with_epochs_stretches_the_schedule() -> None:
    short = HE2015.with_epochs(20)
    assert (short.name, short.epochs, short.steps) == ("HE2015-20ep", 20, 7_820)
    assert isinstance(short.schedule, StepDecay)
    assert short.schedule.milestones == (3_910, 5_865)
    assert short.for_images(1_280).schedule == StepDecay((100, 150))
    assert QUICK20.with_epochs(20) is QUICK20


def test_an_extension_stretches_nothing() -> None:
    longer = QUICK20.extended_to(30).extended_to(40)
    assert (longer.name, longer.epochs, longer.steps) == ("QUICK20-to30ep-to40ep", 40, 2 * 7_820)
    assert longer.extended_at == (7_820, 11_730)
    cycle = [lr_at(QUICK20.with_epochs(10), step) for step in range(3_910)]
    before = [lr_at(QUICK20, step) for step in range(7_820)]
    assert [lr_at(longer, step) for step in range(longer.steps)] == before + 2 * cycle
    assert lr_at(longer, longer.steps) == 0
    assert longer.for_images(1_280) == QUICK20.for_images(1_280).extended_to(30).extended_to(40)
    assert resnetzoo.Recipe.from_dict(json.loads(json.dumps(longer.to_dict()))) == longer
    paper = HE2015.extended_to(200)
    assert (paper.name, paper.epochs, paper.steps) == ("HE2015-to200ep", None, 78_200)
    assert [lr_at(paper, step) for step in (31_999, 32_000, 63_999, 64_000, 78_199)] == [0.1, 0.01, 1e-3, 1e-3, 1e-3]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: QUICK20.extended_to(20), "QUICK20 has 20 epochs: extend it to more than that, not to 20 epochs"),
        (lambda: MODERN.with_epochs(1).extended_to(1), "MODERN-1ep has 1 epoch: extend it to more than that"),
        (lambda: HE2015.extended_to(163), "HE2015 has 64,000 steps: extend it to more than that, not to 163 epochs"),
        (lambda: QUICK20.extended_to(0), "epochs must be a whole number from 1, not 0"),
        (lambda: replace(QUICK20, extended_at=(7_820,)), "extended_at must be increasing steps below the 7,820 of"),
        (lambda: replace(QUICK20, extended_at=(9, 9)), "extended_at must be increasing steps"),
        (lambda: replace(QUICK20, extended_at=(1.5,)), "a step of extended_at must be a whole number from 1, not 1.5"),
        (lambda: replace(QUICK20, extended_at=5), "extended_at must be of the class tuple or list, not an int"),
    ],
)
def test_an_extension_that_cannot_be_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=re.escape(message)):
        make()


def test_with_batch_size_keeps_the_epochs() -> None:
    assert QUICK20.with_batch_size(500).for_images(10_000).steps == 20 * 20
    assert QUICK20.with_batch_size(128) is QUICK20


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("batch_size", [32, 100, 128, 1000])
def test_epochs_and_batch_size_give_the_same_recipe_in_either_order(name: str, batch_size: int) -> None:
    recipe = RECIPES[name]
    one, other = recipe.with_epochs(7).with_batch_size(batch_size), recipe.with_batch_size(batch_size).with_epochs(7)
    assert one.steps == other.steps == 7 * math.ceil(50_000 / batch_size)
    places = zip(*(getattr(found.schedule, "milestones", ()) for found in (one, other)), strict=True)
    assert all(abs(place - other_place) <= 1 for place, other_place in places)  # each length is rounded
    assert one.for_images(50_000) == one


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("batch_size", [32, 100, 1000])
def test_another_batch_size_stretches_the_schedule_of_a_recipe_in_epochs_alone(name: str, batch_size: int) -> None:
    recipe = RECIPES[name]
    other = recipe.with_batch_size(batch_size)
    if recipe.epochs is None:
        assert replace(other, name=name, batch_size=recipe.batch_size) == recipe
        return
    assert other.steps == recipe.epochs * math.ceil(50_000 / batch_size)
    for share in (0.05, 0.2, 0.35, 0.55, 0.7, 0.9, 1):
        found, expected = (lr_at(one, round(share * one.steps)) for one in (other, recipe))
        assert found == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("epochs", [7, 30])
def test_a_run_with_another_batch_size_is_that_of_earlier_versions(name: str, epochs: int) -> None:
    """They left the steps alone, and rounded milestones only for the images of the run."""
    recipe = RECIPES[name].with_epochs(epochs)
    for batch_size in (32, 100, 256):
        changed, earlier = recipe.with_batch_size(batch_size), replace(recipe, batch_size=batch_size)
        for images in (100, 200, 45_000, 50_000):
            run = changed.with_settings(lr=0.3).for_images(images)
            assert replace(run, name="", lr=recipe.lr) == replace(earlier.for_images(images), name="")
            json.dumps(run.to_dict())


def test_what_is_no_recipe_has_no_rate() -> None:
    with pytest.raises(resnetzoo.UsageError, match=re.escape("write resnetzoo.recipes.get_recipe('QUICK20')")):
        lr_at("QUICK20", 3)  # type: ignore[arg-type]


def test_the_low_start_concerns_depth_110_and_more() -> None:
    assert not starts_low(HE2015, 56, [])
    assert starts_low(HE2015, 110, [])
    assert starts_low(HE2015, 1202, [])
    assert not starts_low(QUICK20, 110, [])


def test_the_low_start_ends_below_80_percent_and_for_good() -> None:
    assert starts_low(HE2015, 110, [90.0, 85.0, 80.0])
    assert not starts_low(HE2015, 110, [90.0, 79.9])
    assert not starts_low(HE2015, 110, [90.0, 79.9, 88.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: recipes.StepDecay((-5,)), "a milestone must be a whole number from 0, not -5"),
        (lambda: recipes.StepDecay((1.5,)), "a milestone must be a whole number from 0, not 1.5"),
        (lambda: recipes.StepDecay((5,), factor=-0.1), "factor must be 0 or more, and finite, not -0.1"),
        (lambda: recipes.StepDecay((5,), factor=math.nan), "factor must be 0 or more, and finite, not nan"),
        (lambda: recipes.StepDecay(3), "milestones must be of the class tuple or list, not an int"),  # type: ignore[arg-type]
        (lambda: recipes.StepDecay("35"), "milestones must be of the class tuple or list, not a str"),  # type: ignore[arg-type]
        (lambda: recipes.StepDecay((5,), factor="0.1"), "factor must be a number, such as 0.1, not '0.1'"),  # type: ignore[arg-type]
        (lambda: recipes.OneCycle(math.nan), "rise must be from 0 to 1, a share of the steps, not nan"),
        (lambda: recipes.LowStart(-0.1, 80.0, 110), "lr of the low start must be 0 or more, and finite, not -0.1"),
        (lambda: recipes.LowStart(0.1, math.nan, 110), "until_error must be from 0 to 100, not nan"),
        (lambda: recipes.LowStart(0.1, 80.0, -3), "min_depth must be a whole number from 0, not -3"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_where_it_is_made(make: Callable[[], object], message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=re.escape(message)):
        make()


def test_settings_are_changed_and_the_name_says_so() -> None:
    changed = QUICK20.with_settings(lr=0.05, weight_decay=5e-4, label_smoothing=0.1)
    assert changed == replace(QUICK20, name="QUICK20-lr0.05-ls0.1", lr=0.05, label_smoothing=0.1)
    assert QUICK20.with_settings(lr=0.2) is QUICK20
    parts: dict[str, Any] = {"crop_padding_mode": "reflect", "cutout": 16, "mixup": 0.2, "ema_decay": 0.999}
    more = QUICK20.with_settings(**parts, decay_norms_and_biases=False)
    name = "QUICK20-reflect-cutout16-mixup0.2-nonormdecay-ema0.999"
    assert more == replace(QUICK20, name=name, **parts, decay_norms_and_biases=False)
    off: dict[str, Any] = {"crop_padding_mode": "zeros", "cutout": 0, "mixup": 0.0, "decay_norms_and_biases": True}
    assert QUICK20.with_settings(**off) is QUICK20
    assert more.with_settings(decay_norms_and_biases=True).name == f"{name}-normdecay"
    with pytest.raises(resnetzoo.UsageError, match="ema_decay must be above 0"):
        QUICK20.with_settings(ema_decay=1.0)
    assert recipes.StepDecay([3, 5]) == recipes.StepDecay((3, 5))  # type: ignore[arg-type]
    clipped = replace(QUICK20, clip_norm=1.0)
    assert recipes.Recipe.from_dict(clipped.to_dict()) == clipped


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"steps": 0}, "steps must be a whole number from 1, not 0"),
        ({"epochs": 0}, "epochs must be a whole number from 1, not 0"),
        ({"epochs": -2}, "epochs must be a whole number from 1, not -2"),
        ({"batch_size": 0}, "batch_size must be a whole number from 1"),
        ({"batch_size": 12.5}, "batch_size must be a whole number from 1"),
        ({"lr": 0.0}, "lr must be above 0"),
        ({"lr": math.inf}, "lr must be above 0 and finite"),
        ({"lr": math.nan}, "lr must be above 0 and finite"),
        ({"lr": "0.1"}, "lr must be a number, such as 0.1, not '0.1'"),
        ({"lr": torch.tensor(0.1)}, r"lr must be a number, such as 0.1, not tensor\(0.1000\)"),
        ({"lr": None}, "lr must be a number"),
        ({"clip_norm": True}, "clip_norm must be a number"),
        ({"name": None}, "name must be of the class str, not None"),
        ({"flip": "no"}, "flip must be of the class bool, not a str"),
        ({"schedule": recipes.OneCycle}, "schedule must be of the class StepDecay or OneCycle, not a type"),
        ({"low_start": 3}, "low_start must be of the class LowStart or NoneType, not an int"),
        ({"momentum": 1.0}, "momentum must be from 0 to below 1"),
        ({"momentum": 0.0}, "nesterov needs a momentum"),
        ({"label_smoothing": -0.1}, "label_smoothing must be from 0"),
        ({"weight_decay": -1e-4}, "weight_decay must be 0 or more"),
        ({"clip_norm": 0.0}, "clip_norm must be above 0 and finite, or None"),
        ({"clip_norm": math.nan}, "clip_norm must be above 0 and finite, or None"),
        ({"crop_padding": -1}, "crop_padding must be a whole number from 0"),
        ({"crop_padding_mode": "edge"}, "crop_padding_mode must be one of zeros, reflect"),
        ({"decay_norms_and_biases": 0}, "decay_norms_and_biases must be of the class bool, not an int"),
        ({"mixup": -0.1}, "mixup must be from 0 to 1000, not -0.1"),
        ({"mixup": math.nan}, "mixup must be from 0 to 1000, not nan"),
        ({"mixup": True}, "mixup must be a number"),
        ({"ema_decay": 1.0}, "ema_decay must be above 0 and below 1, not 1.0; leave it out"),
        ({"ema_decay": 0}, "ema_decay must be above 0 and below 1, not 0; leave it out"),
        ({"ema_decay": math.nan}, "ema_decay must be above 0 and below 1, not nan; leave it out"),
        ({"ema_decay": "0.9"}, "ema_decay must be a number"),
        ({"cutout": -1}, "cutout must be a whole number from 0"),
        ({"cutout": 8.0}, "cutout must be a whole number from 0"),
        ({"normalization": "imagenet"}, "normalization must be one of channel, per_pixel_mean"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(choices: dict[str, object], message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message):
        replace(QUICK20, **choices)  # type: ignore[arg-type]
    if "epochs" in choices:
        with pytest.raises(resnetzoo.UsageError, match=message):
            QUICK20.with_epochs(choices["epochs"])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", RECIPES)
def test_presets(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.name == name
    assert get_recipe(name.lower()) is recipe is getattr(resnetzoo.recipes, name)
    assert json.loads(json.dumps(recipe.to_dict())) == recipe.to_dict()
    assert resnetzoo.Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    later = ["crop_padding_mode", "extended_at", "cutout", "decay_norms_and_biases", "mixup", "ema_decay"]
    expected = [
        field.name
        for field in fields(recipe)
        if field.name not in later or getattr(recipe, field.name) != field.default
    ]
    assert list(recipe.to_dict()) == expected  # as before there were such settings, where a recipe has none of them


def test_an_unknown_recipe_lists_the_known() -> None:
    with pytest.raises(
        resnetzoo.UsageError,
        match='unknown recipe "he2016"; known: QUICK20, HE2015, MODERN, WRN2016, RESNEXT2017, SMOKE',
    ):
        get_recipe("he2016")
    with pytest.raises(resnetzoo.UsageError, match="recipe must be of the class str, not an int"):
        get_recipe(2016)  # type: ignore[arg-type]
