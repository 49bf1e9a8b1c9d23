"""How much of a target is trained: all of it, a short version, or just enough to see that it works."""

from dataclasses import dataclass
from typing import Literal, get_args

from resnetzoo.data.pair import Data
from resnetzoo.reproduce.targets import Target
from resnetzoo.training.presets import SMOKE
from resnetzoo.training.recipes import Recipe
from resnetzoo.utils.validation import check_choice

BudgetName = Literal["full", "short", "smoke"]

# Three steps of 64 images per epoch: enough for a curve.
_SMOKE_TRAIN_IMAGES = 192
_SMOKE_TEST_IMAGES = 200
_SMOKE_EPOCHS = 2


@dataclass(frozen=True)
class Budget:
    """A share of a target.

    Attributes:
        name: `full`, `short` or `smoke`.
        recipe: the recipe of its runs.
        seeds: the default number of seeds per network.
        measures: whether its figures are meaningful.
        shortened: whether its recipe is shorter than the full one.
    """

    name: BudgetName
    recipe: Recipe
    seeds: int
    measures: bool
    shortened: bool

    @property
    def label(self) -> str:
        """The budget in titles, with its recipe."""
        return f"{self.name} budget: {self.recipe.name}"

    def of(self, data: Data) -> Data:
        """The part of the data used for training and tests."""
        if self.measures:
            return data
        return data.first(min(_SMOKE_TRAIN_IMAGES, len(data.train)), min(_SMOKE_TEST_IMAGES, len(data.test)))


def budget_of(target: Target, name: str) -> Budget:
    """The budget of `target` with this name.

    Raises:
        UsageError: the name is not `full`, `short` or `smoke`.
    """
    check_choice("budget", name, get_args(BudgetName))
    if name == "full":
        return Budget("full", target.recipe, target.seeds, measures=True, shortened=False)
    if name == "short":
        return Budget("short", target.short_recipe, min(target.seeds, 3), measures=True, shortened=True)
    return Budget("smoke", SMOKE.with_epochs(_SMOKE_EPOCHS), 1, measures=False, shortened=True)
