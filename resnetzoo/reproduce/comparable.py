"""Which runs can be compared in a table, a figure or a file, and which of them are seeds of one network."""

from collections.abc import Iterable, Sequence
from itertools import combinations

from resnetzoo.data.titles import data_title
from resnetzoo.errors import UsageError
from resnetzoo.training.results import EpochRow, RunRecord
from resnetzoo.utils.text import kind_of, short_fingerprint


def checked_runs(runs: Iterable[RunRecord]) -> list[RunRecord]:
    """The runs, each once, if they are on the same data.

    Raises:
        UsageError: there are no runs, some objects are not runs, or the runs are on different data.
    """
    if isinstance(runs, RunRecord) or not isinstance(runs, Iterable):
        raise UsageError(f"runs must be a list of runs, such as [run], not {kind_of(runs)}")
    runs = list(runs)
    for run in runs:
        if not isinstance(run, RunRecord):
            raise UsageError(f"runs must be what fit or read_records returns, not {kind_of(run)}")
    if not runs:
        raise UsageError("there are no runs to compare: pass at least one")
    for run in runs[1:]:
        if not _on_same_data(runs[0], run):
            raise UsageError(
                f"runs on different data cannot be compared: {_data_of(runs[0])}, but {_data_of(run)}. Compare runs "
                "on the same data"
            )
    once: list[RunRecord] = []
    for run in runs:
        if not any(_is_same(run, other) for other in once):
            once.append(run)
    return once


def seeds_of_networks(runs: Iterable[RunRecord]) -> dict[str, list[RunRecord]]:
    """The runs of each network over its seeds, in the order of each network's first run.

    The title of a group is the network's label, followed by the name of the recipe if several were used.

    Raises:
        UsageError: as in `checked_runs`, or runs with the same title are not seeds of one network.
    """
    runs = checked_runs(runs)
    recipes: dict[str, set[str]] = {}
    for run in runs:
        recipes.setdefault(run.name, set()).add(run.recipe.name)
    grouped: dict[str, list[RunRecord]] = {}
    for run in runs:
        title = run.name if len(recipes[run.name]) == 1 else f"{run.name}, {run.recipe.name}"
        grouped.setdefault(title, []).append(run)
    for title, group in grouped.items():
        for one, other in combinations(group, 2):
            _check_seeds(title, one, other)
    return grouped


def common_epochs(group: Sequence[RunRecord]) -> list[tuple[EpochRow, ...]]:
    """The rows of all seeds by epoch, as far as the shortest run went, since some may have been stopped early."""
    return list(zip(*(run.epochs for run in group), strict=False))


def _check_seeds(title: str, one: RunRecord, other: RunRecord) -> None:
    if one.recipe != other.recipe:
        raise UsageError(
            f"two recipes are called {one.recipe.name} but differ, so the runs of {title} with them are not seeds of "
            "one network: give one of the recipes another name, as dataclasses.replace(recipe, name=...) does"
        )
    if one.spec != other.spec:
        raise UsageError(
            f"two networks are called {title} but differ, so their runs are not seeds of one network: give one of the "
            "runs another name, as dataclasses.replace(run, name=...) does"
        )
    first, second = one.starting_point, other.starting_point
    if first is not None and second is not None and first.frozen != second.frozen:
        raise UsageError(
            f"the runs of {title} trained different parts of it, so they are not comparable as seeds: give those with "
            "frozen weights another name, as dataclasses.replace(run, name=...) does"
        )
    if one.seed == other.seed and (first is None or second is None or first.has_weights(second.weights)):
        raise UsageError(
            f"two runs of {title} began with the same weights and seed {one.seed} but have different figures, so "
            "they are not two seeds of it: leave one of them out, or give it another name, as "
            "dataclasses.replace(run, name=...) does"
        )


def _on_same_data(one: RunRecord, other: RunRecord) -> bool:
    """Whether the fingerprints agree; files written by earlier versions have only a fingerprint of version 1."""
    first, second = one.data, other.data
    alike = {first["fingerprint"], first.get("fingerprint_v1")} & {second["fingerprint"], second.get("fingerprint_v1")}
    if "fingerprint_v1" in first and "fingerprint_v1" in second:
        return bool(first["fingerprint"] == second["fingerprint"])
    return bool(alike - {None})


def _data_of(run: RunRecord) -> str:
    title = data_title(run.data["name"], run.data["part"])
    return f"{run.name}, seed {run.seed}, is on {title} (fingerprint {short_fingerprint(run.data['fingerprint'])})"


def _is_same(one: RunRecord, other: RunRecord) -> bool:
    """Whether two records are of the same run, perhaps computed twice: equal in everything but times and devices."""
    if one is other:
        return True
    if (one.name, one.seed, len(one.epochs)) != (other.name, other.seed, len(other.epochs)):
        return False
    figures = [[row.figures for row in run.epochs] for run in (one, other)]
    return figures[0] == figures[1] and one.identity == other.identity
