"""How each normalised figure moved over the versions, and where it dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from records import Record

DROP = 0.10  # of the best figure before: more is flagged


@dataclass(frozen=True)
class Point:
    """One benchmark in one record.

    Attributes:
        benchmark: its name.
        record: where it stands.
        normalised: its figure, higher is better.
        best: the best figure of the records before on the same machine; None for the first.
    """

    benchmark: str
    record: Record
    normalised: float
    best: float | None

    @property
    def change(self) -> float:
        """Against the best before: -0.12 is 12 % slower. Against the best, so that many small steps down add up."""
        return 0.0 if self.best is None else self.normalised / self.best - 1

    @property
    def dropped(self) -> bool:
        return self.change < -DROP - 1e-9  # 10 % itself is no drop, however it is rounded


def by_machine(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Records in order, those of each machine together."""
    return {machine: list(group) for machine, group in groupby(records, key=lambda record: record.machine)}


def points_of(records: Sequence[Record]) -> list[Point]:
    """Every figure of one machine's records, in their order. A record with a baseline starts the comparison anew."""
    best: dict[str, float] = {}
    points = []
    for record in records:
        if record.baseline:
            best = {}
        for name, figures in record.benchmarks.items():
            normalised = figures["normalised"]
            points.append(Point(name, record, normalised, best.get(name)))
            best[name] = max(normalised, best.get(name, 0.0))
    return points
