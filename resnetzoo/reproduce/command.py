"""The command that repeats runs, with the device, precision and threads that their records state."""

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from resnetzoo.training.results import RunRecord
from resnetzoo.utils.device import threads_in, type_of_named


class _Place(NamedTuple):
    """Where and how the steps of a run were computed, as far as a command can say it.

    Attributes:
        device: type of the device.
        precision: precision of the steps.
        recorded: whether the steps were replayed as a CUDA graph.
        threads: number of CPU threads, on which the last digits depend; None on another device.
    """

    device: str
    precision: str
    recorded: bool
    threads: int | None

    @classmethod
    def of(cls, record: RunRecord) -> "_Place":
        return cls(type_of_named(record.device), record.precision, record.recorded, threads_in(record.device))

    @property
    def variables(self) -> list[str]:
        return [] if self.threads is None else [f"OMP_NUM_THREADS={self.threads}"]

    @property
    def options(self) -> list[str]:
        unrecorded = ["--no-record"] if self.device == "cuda" and not self.recorded else []  # recorded is the default
        return ["--device", self.device, "--precision", self.precision, *unrecorded]


def command_of(words: Sequence[str], records: Sequence[RunRecord]) -> str:
    """The words as a shell command, with the options that say where and how the records were computed.

    If the records were computed in several ways, the options are those of the first, and a comment names the others.
    """
    places = Counter(map(_Place.of, records))
    first, *others = places
    command = " ".join([*first.variables, shlex.join([*words, *first.options])])
    if not others:
        return command
    rest = ", ".join(f"{places[place]} with {' '.join((*place.variables, *place.options))}" for place in others)
    return f"{command}  # {places[first]} of the {len(records)} runs; {rest}"
