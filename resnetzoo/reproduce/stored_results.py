"""Read the `results.json` of a report."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from resnetzoo.errors import ResultsError
from resnetzoo.reproduce.budgets import budget_of
from resnetzoo.reproduce.claims import Claim, Measure, measure_of
from resnetzoo.reproduce.layer_stats import LayerRow
from resnetzoo.reproduce.outcome import Outcome, outcome_of
from resnetzoo.reproduce.targets import Target, get_target
from resnetzoo.reproduce.verdicts import Verdict, untrained_networks
from resnetzoo.training.results import RunRecord, read_records
from resnetzoo.utils.checksummed_json import read_checksummed
from resnetzoo.utils.paths import user_path


@dataclass(frozen=True)
class StoredResults:
    """The contents of a `results.json`.

    Attributes:
        command: the command that reproduces it.
        records: the finished runs.
        verdicts: one per claim, in the target's order.
    """

    command: str
    records: tuple[RunRecord, ...]
    verdicts: tuple[Verdict, ...]


def read_results(path: str | Path, target: Target | None = None) -> StoredResults:
    """Read the `results.json` of a report.

    Args:
        path: the file.
        target: what was reproduced, if it is not one of `TARGETS`.

    Raises:
        ResultsError: the file is missing, changed by hand, not that of a report, or was judged by claims that the
            target does not have.
        UsageError: the target is not known.
    """
    path = user_path(path)
    values = read_checksummed(path)
    if not {"target", "command", "verdicts"} <= values.keys():
        raise ResultsError(f"{path}: not the results of a report: resnetzoo.read_records reads the runs in it")
    chosen = get_target(values["target"]) if target is None else target
    claims = {claim.text: claim for claim in chosen.claims}
    unknown = [row["claim"] for row in values["verdicts"] if row["claim"] not in claims]
    if unknown:
        raise ResultsError(f'{path} judges "{unknown[0]}", which the target {chosen.name} does not claim')
    verdicts = (_verdict(row, claims[row["claim"]], values) for row in values["verdicts"])
    return StoredResults(values["command"], tuple(read_records(path)), tuple(verdicts))


def read_outcome(path: str | Path, target: Target | None = None) -> Outcome:
    """Read the `results.json` of a report as an `Outcome` like that of `reproduce`, with the stored verdicts.

    Args:
        path: the file.
        target: what was reproduced, if it is not one of `TARGETS`.

    Raises:
        ResultsError: as in `read_results`.
        UsageError: the target is not known.
    """
    stored = read_results(path, target)
    values = read_checksummed(user_path(path))
    chosen = get_target(values["target"]) if target is None else target
    outcome = outcome_of(
        chosen,
        budget_of(chosen, values["budget"]),
        command=stored.command,
        records=stored.records,
        failed={},
        layers=[
            LayerRow(**{**row, "layers": tuple(row["layers"]), "values": tuple(row["values"])})
            for row in values["layers"]
        ],
        unmeasured={},
    )
    return replace(outcome, failed=values["failed"], verdicts=stored.verdicts)


def _verdict(stored: dict[str, Any], claim: Claim, values: dict[str, Any]) -> Verdict:
    """A stored verdict; the networks without a result follow from the measurements."""
    measured: dict[Measure, set[str]] = {
        "test error": {row["network"] for row in values["networks"]},
        "response std": {row["network"] for row in values["layers"] if row["measure"] == "response std"},
    }
    untrained = untrained_networks(claim, measured[measure_of(claim)])
    return Verdict(stored["claim"], stored["answer"], stored["figures"], untrained)
