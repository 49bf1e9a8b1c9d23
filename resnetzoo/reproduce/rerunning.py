"""A recorded run once more: its first epochs, to be compared with the record figure by figure."""

from pathlib import Path

import torch

from resnetzoo.data.image_set import Data
from resnetzoo.errors import ResultsError, UsageError
from resnetzoo.models.builders import fresh_network
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.callbacks.signals import catch_signals
from resnetzoo.training.callbacks.standard import standard_callbacks
from resnetzoo.training.opening import open_trainer
from resnetzoo.training.results import EpochRow, RunRecord, read_records
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.device import device_name, resolve_device
from resnetzoo.utils.validation import check_whole_number

COMPARED = ("train_loss", "train_error", "test_loss", "test_error")
"""The fields of an `EpochRow` that must come out the same."""


def find_record(path: str | Path, network: str | None = None, seed: int | None = None) -> RunRecord:
    """The first run in a `results.json` or `run.json` with this label and seed, if they are given.

    Raises:
        ResultsError: no such file, changed by hand, or without such a run; the message lists what it has.
    """
    records = read_records(Path(path))
    for record in records:
        if network in (None, record.name) and seed in (None, record.seed):
            return record
    available = ", ".join(f"{record.name} seed {record.seed}" for record in records)
    wanted = " ".join([network or "any network", "any seed" if seed is None else f"seed {seed}"])
    raise ResultsError(f"{path} has no run of {wanted}; it has {available}")


def rerun(
    record: RunRecord, data: Data, *, epochs: int = 1, device: str = "auto", progress: bool = True
) -> list[EpochRow]:
    """Train the first epochs of a recorded run again: the same weights, order, precision and kind of step.

    On the same kind of device with the same number of threads and the same torch, on a CPU, every figure comes out
    the same. The weights begin as `create(..., seed=record.seed)` makes them.

    Args:
        record: what was recorded.
        data: the same images.
        epochs: how many of them.
        device: as in `fit`.
        progress: show a bar and a line an epoch.

    Raises:
        UsageError: more epochs than were recorded.
        ResultsError: other data than the record's, or a network that is not the zoo's.
    """
    check_whole_number("epochs", epochs)
    if epochs > len(record.epochs):
        raise UsageError(f"the record has {len(record.epochs)} epochs, not {epochs}")
    if data.fingerprint != record.data["fingerprint"]:
        recorded, found = record.data["fingerprint"][:12], data.fingerprint[:12]
        raise ResultsError(f"the run was recorded on other data: {recorded} there, {found} ({data.title}) here")
    with (
        catch_signals() as stop,
        open_trainer(
            _fresh_model(record),
            data,
            record.recipe,
            seed=record.seed,
            device=device,
            precision=record.precision,
            compile=record.compiled,
            callbacks=[*standard_callbacks(stop, progress=progress, bar=True), _StopAfter(epochs)],
        ) as trainer,
    ):
        trainer.run()
        return trainer.rows


class _StopAfter(Callback):
    """Ends a run after so many epochs."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        if row.epoch == self.epochs:
            trainer.request_stop()


def differences(recorded: EpochRow, found: EpochRow) -> dict[str, tuple[float, float]]:
    """The figures of an epoch that differ, recorded and found; empty if all are the same to the last digit."""
    pairs = {field: (getattr(recorded, field), getattr(found, field)) for field in COMPARED}
    return {field: pair for field, pair in pairs.items() if repr(pair[0]) != repr(pair[1])}  # NaN is as NaN was


def place_differences(record: RunRecord, device: str = "auto") -> list[str]:
    """What differs between this machine and the recorded one, and may change a figure: a line each."""
    current = {"device": device_name(resolve_device(device)), "torch": torch.__version__}
    recorded = {"device": record.device, "torch": record.versions["torch"]}
    return [
        f"{field}: {recorded[field]} there, {current[field]} here"
        for field in current
        if current[field] != recorded[field]
    ]


def _fresh_model(record: RunRecord) -> CifarNet:
    if record.spec is None:
        raise ResultsError(f"{record.name} is no network of the zoo, so it cannot be built again")
    return fresh_network(record.spec, record.seed)
