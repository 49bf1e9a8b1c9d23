"""The plan of a reproduction: every choice is made before any data is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from resnetzoo.data.pair import Data
from resnetzoo.errors import UsageError
from resnetzoo.reproduce.budgets import Budget, budget_of
from resnetzoo.reproduce.command import command_of
from resnetzoo.reproduce.planned_run import PlannedRun
from resnetzoo.reproduce.targets import Network, Target, get_target
from resnetzoo.training.results import RunRecord, folder_name
from resnetzoo.training.side_by_side import USUAL_SIDE_BY_SIDE, check_side_by_side, runs_together
from resnetzoo.utils.device import Precision, check_recordable, resolve_device, resolve_precision
from resnetzoo.utils.text import brief
from resnetzoo.utils.validation import check_seed


@dataclass(frozen=True)
class Plan:
    """A target with every choice made.

    Attributes:
        target: what is reproduced.
        budget: how much of it is trained.
        networks: the networks to train.
        seeds: seeds of the runs of each network.
        device: where the runs are computed.
        precision: precision of their steps.
        record: whether their steps are recorded on CUDA; None decides as in `fit`.
        jobs: requested number of runs side by side on CUDA; None for the default number.
    """

    target: Target
    budget: Budget
    networks: tuple[Network, ...]
    seeds: tuple[int, ...]
    device: torch.device
    precision: Precision
    record: bool | None = None
    jobs: int | None = None

    @property
    def runs_at_once(self) -> int:
        """The number of runs computed side by side; one if a single run uses the whole machine."""
        return (self.jobs or USUAL_SIDE_BY_SIDE) if runs_together(self.device) else 1

    def runs_on(self, data: Data, folder: Path) -> list[PlannedRun]:
        """The planned runs on this data, with all networks of a seed before the next seed.

        Each run is kept in a subfolder of `folder`, with the name that `resnetzoo train` would choose.
        """
        recipe = self.budget.recipe
        return [
            PlannedRun(
                spec=network.spec(num_classes=len(data.classes)),
                recipe=recipe.for_images(len(data.train)),
                seed=seed,
                folder=folder / folder_name(network.name, network.shortcut, recipe, seed),
            )
            for seed in self.seeds
            for network in self.networks
        ]

    def command(self, options: Sequence[str], records: Sequence[RunRecord]) -> str:
        """The command that repeats these runs on any machine.

        Its device, precision and threads are those of the runs, which may have been finished before this plan was made.

        Args:
            options: the options that choose the data, the seeds and the networks.
            records: the finished runs, one or more.
        """
        words = ("resnetzoo", "reproduce", self.target.name, "--budget", self.budget.name, *options)
        return command_of(words, records)


def resolve_plan(
    target: str | Target,
    *,
    budget: str = "full",
    seeds: Sequence[int] | None = None,
    depths: Sequence[int] = (),
    device: str = "auto",
    precision: str = "auto",
    record: bool | None = None,
    jobs: int | None = None,
) -> Plan:
    """Make every choice of a reproduction; the arguments are those of `reproduce`.

    Raises:
        UsageError: an unknown target, budget, depth or precision; no seeds, or one that is not a whole number from 0;
            fewer than 1 or more than 32 jobs; or `record=True` on a device other than CUDA.
        DeviceError: the device is not available.
    """
    chosen = get_target(target) if isinstance(target, str) else target
    resolved_budget = budget_of(chosen, budget)
    resolved = resolve_device(device)
    check_recordable(record, resolved)
    networks, chosen_seeds = _networks_of(chosen, depths), range(resolved_budget.seeds) if seeds is None else seeds
    for seed in chosen_seeds:
        check_seed(seed)
    for words, rows in (("seeds", chosen_seeds), ("networks", networks)):
        if not rows:
            raise UsageError(f"nothing to train: the {words} of {chosen.name} are empty")
    if jobs is not None:
        check_side_by_side("jobs", jobs)
    return Plan(
        target=chosen,
        budget=resolved_budget,
        networks=tuple(dict.fromkeys(networks)),  # each run counts once, however often it is asked for
        seeds=tuple(dict.fromkeys(chosen_seeds)),
        device=resolved,
        precision=resolve_precision(precision, resolved),
        record=record,
        jobs=jobs,
    )


def _networks_of(target: Target, depths: Sequence[int]) -> tuple[Network, ...]:
    if not depths:
        return target.networks
    offered = (*target.networks, *target.on_request)
    known = sorted({network.spec().depth for network in offered})
    for depth in depths:
        if depth not in known:
            raise UsageError(
                f"{target.name} has no network of {brief(depth)} layers; it has {', '.join(map(str, known))}"
            )
    return tuple(network for network in offered if network.spec().depth in depths)
