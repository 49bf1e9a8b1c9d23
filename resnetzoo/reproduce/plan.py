"""Which runs a target comes to, and how far each of them is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from resnetzoo.data.image_set import Data
from resnetzoo.errors import CheckpointError, UsageError
from resnetzoo.models.builders import fresh_network
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.registry import get_spec
from resnetzoo.models.spec import ModelSpec
from resnetzoo.reproduce.targets import Network, Target
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.results import RUN_FILE, RunIdentity, RunRecord, folder_name, read_record
from resnetzoo.utils.device import Precision
from resnetzoo.weights.checkpoint.training_state import CHECKPOINT, PREVIOUS, check_identity, read_checkpoint


@dataclass(frozen=True)
class PlannedRun:
    """One run of a target.

    Attributes:
        spec: what will be built, with the classes of the data.
        recipe: as it runs on this number of images.
        seed: of weights, order and augmentation.
        folder: where it is kept.
    """

    spec: ModelSpec
    recipe: Recipe
    seed: int
    folder: Path

    @property
    def label(self) -> str:
        return f"{self.spec.label} {self.recipe.name} seed {self.seed}"

    def build(self) -> CifarNet:
        """The network with the weights that it starts from."""
        return fresh_network(self.spec, self.seed)


def plan_runs(
    target: Target, recipe: Recipe, seeds: Sequence[int], data: Data, folder: Path, depths: Sequence[int] = ()
) -> list[PlannedRun]:
    """The runs, all networks of a seed before the next seed, each in a folder named as `resnetzoo train` does.

    Raises:
        UsageError: none of the target's networks has one of `depths`.
    """
    runs = []
    for seed in seeds:
        for network in _chosen(target, depths):
            spec = _spec_of(network, num_classes=len(data.classes))
            own = folder / folder_name(network.name, network.shortcut, recipe, seed)
            runs.append(PlannedRun(spec, recipe.for_images(len(data.train)), seed, own))
    return runs


def steps_done(run: PlannedRun, data: Data, precision: Precision) -> int:
    """How far the run is, from the checkpoint in its folder.

    Raises:
        CheckpointMismatchError: the folder holds another run, or one on other data.
    """
    for path in (run.folder / CHECKPOINT, run.folder / PREVIOUS):
        try:
            checkpoint = read_checkpoint(path)
        except CheckpointError:  # none yet, or a damaged one, which the trainer will name
            continue
        check_identity(checkpoint.identity, _identity(run, data, precision), run.folder)
        return checkpoint.step
    return 0


def finished(run: PlannedRun, data: Data, precision: Precision) -> RunRecord | None:
    """The record of a finished run; None while there is none.

    Raises:
        ResultsError: its `run.json` was changed by hand or is damaged.
        CheckpointMismatchError: the folder holds another run, or one on other data.
    """
    path = run.folder / RUN_FILE
    if not path.exists():
        return None
    record = read_record(path)
    check_identity(record.identity, _identity(run, data, precision), run.folder)
    return record


def _chosen(target: Target, depths: Sequence[int]) -> list[Network]:
    if not depths:
        return list(target.networks)
    offered = [*target.networks, *target.on_request]
    known = sorted({get_spec(network.name).depth for network in offered})
    for depth in depths:
        if depth not in known:
            raise UsageError(f"{target.name} has no network of {depth} layers; it has {', '.join(map(str, known))}")
    return [network for network in offered if get_spec(network.name).depth in depths]


def _spec_of(network: Network, num_classes: int) -> ModelSpec:
    spec = replace(get_spec(network.name), num_classes=num_classes)
    return replace(spec, shortcut=network.shortcut) if network.shortcut else spec


def _identity(run: PlannedRun, data: Data, precision: Precision) -> dict[str, object]:
    return RunIdentity(
        name=run.spec.label,
        spec=run.spec,
        recipe=run.recipe,
        seed=run.seed,
        data=data.to_dict(),
        precision=precision,
    ).to_dict()
