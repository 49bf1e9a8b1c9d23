"""Repeat the first epochs of a recorded run, and compare them with the record figure by figure."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from resnetzoo.data.conversion import check_data
from resnetzoo.data.pair import Data
from resnetzoo.data.parts import cuts_of
from resnetzoo.data.titles import data_title
from resnetzoo.errors import ResultsError, TrainingInterrupted, UsageError
from resnetzoo.models.builders import fresh_network
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.callbacks.signals import catch_signals
from resnetzoo.training.callbacks.standard import standard_callbacks
from resnetzoo.training.distributed import processes_here
from resnetzoo.training.opening import open_trainer
from resnetzoo.training.results import EpochRow, RunRecord, read_records
from resnetzoo.training.starting_point import StartingPoint
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.device import device_name, resolve_device, type_of_named
from resnetzoo.utils.text import device_words, short_fingerprint
from resnetzoo.utils.validation import check_whole_number

COMPARED = ("train_loss", "train_error", "test_loss", "test_error")
"""The fields of an `EpochRow` that are compared."""


@dataclass(frozen=True)
class Rule:
    """The allowed distance of a figure from the recorded one.

    On a CPU a run is deterministic, so every digit must be the same. On CUDA sums may be accumulated by atomic
    operations in varying order, and algorithms are chosen by timing, so the last digits usually differ from one run to
    the next. Training is chaotic: within an epoch this turns it into a different run of the same recipe, as another
    order of the images would. The bounds on CUDA are therefore slightly wider than the differences between runs of
    several seeds on a CPU (`docs/results/source` and `figure6`, 20 to 56 layers): in the first epoch their training
    losses lie within 3.7 % and their training errors within 3.3 points, later within 16 % and 9 points, and their test
    figures vary by up to 72 % and 32.1 points while the learning rate is high. Such bounds detect wrong data, rates or
    networks, but not small faults. They have not been measured on CUDA yet. The same bounds apply to runs of several
    processes, which add up their sums in another order than a single process.

    Attributes:
        exact: every digit must be the same.
    """

    exact: bool

    def allows(self, field: str, recorded: float, found: float, *, epoch: int = 1) -> bool:
        """Whether `found`, in an epoch counted from 1, is close enough to `recorded`; NaN matches NaN.

        Args:
            field: one of `COMPARED`: losses in nats are compared by their ratio, errors in percentage points.
            recorded: the figure in the record.
            found: the figure of the repeated run.
            epoch: the bounds of training figures grow with it, to three times those of the first epoch at the third.
        """
        if repr(recorded) == repr(found):
            return True
        if self.exact:
            return False
        growth = min(epoch, 3) if field.startswith("train") else 1.0
        if field.endswith("loss"):
            return math.isclose(recorded, found, rel_tol=growth * _LOSS_RATIO[field])
        return math.isclose(recorded, found, rel_tol=0, abs_tol=growth * _ERROR_POINTS[field])

    def __str__(self) -> str:
        if self.exact:
            return "to the last digit"
        losses = ", ".join(f"{field} {100 * ratio:g} %" for field, ratio in _LOSS_RATIO.items())
        errors = ", ".join(f"{field} {points:g} points" for field, points in _ERROR_POINTS.items())
        why = "runs on CUDA or of several processes rarely repeat every digit"
        return f"within {losses}, {errors} in the first epoch, since {why}"


_LOSS_RATIO = {"train_loss": 0.06, "test_loss": 0.75}
_ERROR_POINTS = {"train_error": 3.5, "test_error": 35.0}
EXACT = Rule(exact=True)
"""For a record of one process on a CPU, repeated by one process on a CPU."""


def rule_for(record: RunRecord, device: str = "auto") -> Rule:
    """The rule for a repeated run: `EXACT` if it was recorded and is repeated by one process on a CPU, else bounds."""
    on_cpu = type_of_named(record.device) == "cpu" and resolve_device(device).type == "cpu"
    return Rule(exact=on_cpu and record.processes == processes_here() == 1)


def find_record(path: str | Path, network: str | None = None, seed: int | None = None) -> RunRecord:
    """The record of the first run in a `results.json` or `run.json`, with this label and seed if given.

    Raises:
        ResultsError: the file is missing, changed by hand, or has no such run; the message lists its runs.
    """
    records = read_records(path)
    for record in records:
        if network in (None, record.name) and seed in (None, record.seed):
            return record
    available = ", ".join(f"{record.name} seed {record.seed}" for record in records)
    wanted = " ".join([network or "any network", "any seed" if seed is None else f"seed {seed}"])
    raise ResultsError(f"{path} has no run of {wanted}; it has {available}")


def rerun(
    record: RunRecord, data: Data, *, epochs: int = 1, device: str = "auto", progress: bool = True
) -> list[EpochRow]:
    """Train the first epochs of a recorded run again, and return their rows.

    Initial weights, order of the images, precision and kind of step are the same. On a CPU of the same kind, with the
    same number of threads and the same torch, every figure of a run of one process is reproduced exactly; on CUDA, or
    if several processes shared the run, no figure is, see `Rule`. The initial weights are those of
    `create(..., seed=record.seed)`. Steps that were recorded as a CUDA graph are recorded again if CUDA is available.

    Args:
        record: the recorded run.
        data: the same images, or all those of which the record has a part that a command makes.
        epochs: the number of epochs to repeat; an epoch in which the run was extended has two rows.
        device: as in `fit`.
        progress: show a bar and print one line per epoch.

    Raises:
        UsageError: more epochs than were recorded.
        ResultsError: the data is not that of the record, or its network cannot be built again: it is not in the
            zoo, or it began with other weights, with frozen parameters or with other settings.
        TrainingInterrupted: Ctrl-C, SIGTERM, SIGHUP or SIGUSR1; nothing is kept.
    """
    check_data(data)
    check_whole_number("epochs", epochs)
    if epochs > record.epochs[-1].epoch:
        raise UsageError(f"the record has {record.epochs[-1].epoch} epochs, not {epochs}")
    data = _recorded_part(record, data)
    model = _fresh_model(record)
    with (
        _keeping_nothing(),
        catch_signals(saved=False) as stop,
        open_trainer(
            model,
            data,
            record.recipe,
            seed=record.seed,
            device=device,
            precision=record.precision,
            compile=record.compiled,
            record=None if record.recorded else False,
            callbacks=[*standard_callbacks(stop, progress=progress, bar=True), _StopAfter(epochs)],
        ) as trainer,
    ):
        trainer.run()
        return trainer.rows


def _recorded_part(record: RunRecord, data: Data) -> Data:
    """The data of the record, cut from these if they are more; for others, the message says how to get the right ones.

    Raises:
        ResultsError: the fingerprints differ.
    """
    recorded = record.data
    if data.has_fingerprint(recorded["fingerprint"]):
        return data
    part = _cut(data, recorded["part"]) if recorded["name"] == data.name else None
    if part is not None and part.has_fingerprint(recorded["fingerprint"]):
        return part
    title, found = data_title(recorded["name"], recorded["part"]), data if part is None else part
    there, here = short_fingerprint(recorded["fingerprint"]), short_fingerprint(found.fingerprint)
    message = f"the run was recorded on other data: fingerprint {there} ({title}) there, {here} ({found.title}) here"
    if recorded["name"] == data.name and recorded["part"] != found.part:
        whole = cuts_of(recorded["part"]) is not None
        message += f"; repeat it with the {'whole dataset' if whole else 'same part of its data'}"
    raise ResultsError(message)


def _cut(data: Data, part: str) -> Data | None:
    """These data, cut down to that part; None if they have no such part."""
    try:
        return data.recut(part)
    except UsageError:  # too few images
        return None


@contextmanager
def _keeping_nothing() -> Iterator[None]:
    """A block in which an interruption says that a repeated run has no folder to resume from."""
    try:
        yield
    except TrainingInterrupted as stop:
        raise TrainingInterrupted(
            "stopped before the comparison: a repeated run keeps nothing, so it starts again from its first epoch",
            stop.signal_number,
            saved=False,
        ) from stop


class _StopAfter(Callback):
    """Ends a run after a number of epochs, with all rows of the last one."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        if trainer.step == self.epochs * trainer.steps_per_epoch:
            trainer.request_stop()


def differences(recorded: EpochRow, found: EpochRow, rule: Rule = EXACT) -> dict[str, tuple[float, float]]:
    """The figures of an epoch that differ by more than the rule allows, by field: the recorded and the found value."""
    pairs = {field: (getattr(recorded, field), getattr(found, field)) for field in COMPARED}
    return {field: pair for field, pair in pairs.items() if not rule.allows(field, *pair, epoch=recorded.epoch)}


def place_differences(record: RunRecord, device: str = "auto") -> list[str]:
    """The differences between this machine and the recorded one that may change a figure, one line each."""
    current = {
        "device": device_name(resolve_device(device)),
        "torch": torch.__version__,
        "processes": str(processes_here()),
    }
    recorded = {"device": record.device, "torch": record.versions["torch"], "processes": str(record.processes)}
    return [
        f"{field}: {device_words(recorded[field])} there, {device_words(current[field])} here"
        for field in current
        if current[field] != recorded[field]
    ]


def _fresh_model(record: RunRecord) -> CifarNet:
    """The network that the recorded run began with.

    Raises:
        ResultsError: it cannot be built from the record.
    """
    if record.spec is None:
        raise ResultsError(f"{record.name} is not a network of the zoo, so it cannot be built again")
    model = fresh_network(record.spec, record.seed)
    recorded, found = record.starting_point, StartingPoint.of(model)
    if recorded is None:
        return model
    differing = {
        "with other weights than its seed gives": not recorded.has_weights(found.weights),
        "with frozen parameters": recorded.frozen != found.frozen,
        "with other settings of its norms or dropouts": recorded.settings not in (None, found.settings),
    }
    if any(differing.values()):
        how = " and ".join(words for words, differs in differing.items() if differs)
        raise ResultsError(
            f"the recorded run of {record.name} began {how}, and the record does not hold these, so create(..., "
            f"seed={record.seed}) cannot repeat it: call fit again as it was called then"
        )
    return model
