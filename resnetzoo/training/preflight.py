"""What can be known to be wrong with a run before it begins: its arguments, and what its folder holds."""

from pathlib import Path

import torch
from torch import nn

from resnetzoo.data.image_set import Data
from resnetzoo.errors import UsageError
from resnetzoo.models.introspection import known_spec
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.results import RUN_FILE, RunIdentity, label_of, read_record
from resnetzoo.training.run_folder import check_identity, find_latest
from resnetzoo.utils.device import Precision
from resnetzoo.utils.files import check_writable
from resnetzoo.utils.validation import check_seed


def steps_left(
    model: nn.Module, data: Data, recipe: Recipe, *, seed: int, precision: Precision, out: Path | None
) -> int:
    """How many steps a run of these arguments has to do, once all is checked that can be checked before it begins.

    The folder is made where there is none; nothing in it is changed.

    Raises:
        UsageError, CheckpointError, CheckpointMismatchError, ResultsError, OutputError: as `fit`.
    """
    spec, recipe = known_spec(model), recipe.for_images(len(data.train))
    check_arguments(model, data, seed=seed)
    if out is None:
        return recipe.steps
    check_writable(out)
    checkpoint, _ = find_latest(out)
    if checkpoint is None:
        return recipe.steps
    identity = RunIdentity(
        name=label_of(model, spec), spec=spec, recipe=recipe, seed=seed, data=data.to_dict(), precision=precision
    )
    check_identity(checkpoint.identity, identity.to_dict(), out)
    if checkpoint.step >= recipe.steps and (out / RUN_FILE).exists():
        read_record(out / RUN_FILE)
    return recipe.steps - checkpoint.step


def check_arguments(model: nn.Module, data: Data, *, seed: int, processes: int = 1) -> None:
    """Refuse what a run cannot have: its seed, weights that cannot learn, or data not made for network or processes.

    Raises:
        UsageError: says what was found and what to type instead.
    """
    check_seed(seed)
    if len(data.test) < processes:
        raise UsageError(f"each of {processes} processes needs a test image, and there are {len(data.test)}")
    _check_weights(model)
    spec = known_spec(model)
    if spec is None:
        return
    chans = data.train.images.shape[1]
    if spec.in_chans != chans:
        raise UsageError(
            f"the network takes {spec.in_chans} channels, the images have {chans}: create(..., in_chans={chans})"
        )
    if spec.num_classes < len(data.classes):
        wanted = len(data.classes)
        raise UsageError(
            f"the network has {spec.num_classes} classes, {data.title} has {wanted}: create(..., num_classes={wanted})"
        )


def _check_weights(model: nn.Module) -> None:
    weights = [parameter for parameter in model.parameters() if parameter.is_floating_point()]
    if any(weight.is_meta for weight in weights):
        raise UsageError('the network has no weights: it was made on the device "meta"; create it on another one')
    if any(weight.is_inference() for weight in weights):
        raise UsageError("weights made inside torch.inference_mode() cannot learn: create the network outside of it")
    if weights and all(weight.dtype != torch.float32 for weight in weights):
        found = str(weights[0].dtype).removeprefix("torch.")
        raise UsageError(
            f"fit trains weights in float32, and the network's are {found}: model.float() makes them float32"
            '; precision="bf16" computes with them in bf16'
        )
