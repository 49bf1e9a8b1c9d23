"""The outcome of a target: the runs, their measurements and the verdicts, each computed once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import mean
from typing import Any

from resnetzoo.evaluation.metrics import binomial_standard_error
from resnetzoo.models.complexity import complexity
from resnetzoo.reproduce.budgets import Budget
from resnetzoo.reproduce.claims import Measure, measure_of
from resnetzoo.reproduce.comparison import by_name, is_cifar10
from resnetzoo.reproduce.layer_stats import LayerRow
from resnetzoo.reproduce.planned_run import PlannedRun
from resnetzoo.reproduce.targets import Target
from resnetzoo.reproduce.verdicts import Samples, Verdict, judge
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.spread import sample_deviation


@dataclass(frozen=True)
class Summary:
    """The last-epoch test errors of one network over its seeds.

    Attributes:
        network: label of the network.
        params: number of parameters; None for a network from outside the zoo.
        errors: percent, one per seed.
        test_images: the number of images that each error was measured on.
    """

    network: str
    params: int | None
    errors: tuple[float, ...]
    test_images: int

    @property
    def mean(self) -> float:
        """Mean of the errors, in percent."""
        return mean(self.errors)

    @property
    def std(self) -> float | None:
        """Sample standard deviation over seeds; None for a single seed."""
        return sample_deviation(self.errors) if len(self.errors) > 1 else None

    @property
    def standard_error(self) -> float:
        """Binomial standard error of the mean error on these test images, in percent."""
        return binomial_standard_error(self.mean, self.test_images)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON, including the derived ones."""
        return {**asdict(self), "n": len(self.errors), "mean": self.mean, "std": self.std, "se": self.standard_error}


@dataclass(frozen=True)
class Outcome:
    """The results of a target.

    Attributes:
        target: the reproduced target.
        budget: how much of it was trained.
        command: the command that reproduces it.
        records: the finished runs.
        failed: label of a run, or of its layers -> why there is no result.
        layers: responses and gradients, if the target measures them.
        summaries: the test errors of each network, in the target's order.
        samples: the values that the claims compare, one per seed.
        verdicts: one per claim that `target.claims_for` gives for these networks, in the target's order.
    """

    target: Target
    budget: Budget
    command: str
    records: tuple[RunRecord, ...]
    failed: Mapping[str, str]
    layers: tuple[LayerRow, ...]
    summaries: tuple[Summary, ...]
    samples: Samples
    verdicts: tuple[Verdict, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "target": self.target.name,
            "title": self.target.title,
            "source": self.target.source,
            "budget": self.budget.name,
            "recipe": self.budget.recipe.name,
            "command": self.command,
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "networks": [row.to_dict() for row in self.summaries],
            "failed": dict(self.failed),
            "layers": [row.to_dict() for row in self.layers],
            "runs": [record.to_dict() for record in self.records],
        }


def outcome_of(
    target: Target,
    budget: Budget,
    *,
    command: str,
    records: Sequence[RunRecord],
    failed: Mapping[PlannedRun, str],
    layers: Sequence[LayerRow],
    unmeasured: Mapping[PlannedRun, str],
) -> Outcome:
    """Summarize one or more runs of a target, and judge its claims.

    Args:
        target: the reproduced target.
        budget: how much of it was trained.
        command: the command that reproduces it.
        records: the finished runs.
        failed: why the other runs have no result.
        layers: responses and gradients of finished runs, if the target measures them.
        unmeasured: why the other finished runs have no responses and gradients.
    """
    order = {network.spec().label: place for place, network in enumerate((*target.networks, *target.on_request))}
    groups = by_name(sorted(records, key=lambda record: order.get(record.name, len(order))))
    summaries = tuple(_summary(name, group) for name, group in groups.items())
    samples = _samples(summaries, layers)
    data = records[0].data  # the same for all runs of a plan
    official, whole = data["official"] and is_cifar10(records), not data["part"]
    lost: dict[Measure, Counter[str]] = {
        "test error": Counter(run.spec.label for run in failed),
        "response std": Counter(run.spec.label for run in (*failed, *unmeasured)),
    }
    requested = {record.name for record in records} | {run.spec.label for run in failed}
    return Outcome(
        target=target,
        budget=budget,
        command=command,
        records=tuple(records),
        failed={run.label: reason for run, reason in failed.items()}
        | {f"{run.label}, its layers": reason for run, reason in unmeasured.items()},
        layers=tuple(layers),
        summaries=summaries,
        samples=samples,
        verdicts=tuple(
            judge(claim, samples, budget, official=official, whole=whole, failed=lost[measure_of(claim)])
            for claim in target.claims_for(requested)
        ),
    )


def _summary(name: str, records: Sequence[RunRecord]) -> Summary:
    spec = records[0].spec
    return Summary(
        network=name,
        params=complexity(spec).params if spec else None,
        errors=tuple(record.epochs[-1].test_error for record in records),
        test_images=records[0].data["test_images"],
    )


def _samples(summaries: Sequence[Summary], layers: Sequence[LayerRow]) -> Samples:
    responses: dict[str, list[float]] = {}
    for row in layers:
        if row.state == "trained" and row.measure == "response std":
            responses.setdefault(row.network, []).append(mean(row.values))
    return {"test error": {row.network: row.errors for row in summaries}, "response std": responses}
