"""Check a run before it starts: its arguments, and what its folder holds."""

import warnings
from pathlib import Path

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy

from resnetzoo.data.conversion import check_data
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.pair import Data
from resnetzoo.errors import UsageError
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.introspection import known_spec, stored_spec
from resnetzoo.models.matching import check_channels
from resnetzoo.models.wrappers import held_network, innermost, is_exported, network_in, zoo_network
from resnetzoo.training.batchnorm import can_be_summed
from resnetzoo.training.lost_checkpoint import check_nothing_left
from resnetzoo.training.recipes import Recipe, check_recipe
from resnetzoo.training.results import EpochRow, RunIdentity, label_of, read_own_record
from resnetzoo.training.run_folder import check_identity, check_start, find_latest
from resnetzoo.training.small_batches import check_smallest_batch
from resnetzoo.training.starting_point import StartingPoint
from resnetzoo.utils.device import Precision
from resnetzoo.utils.files import check_writable, is_there
from resnetzoo.utils.folder_lock import locked
from resnetzoo.utils.modules import check_values, not_finite_parameters
from resnetzoo.utils.run_names import RUN_FILE
from resnetzoo.utils.text import counted, some
from resnetzoo.utils.validation import check_seed


def steps_left(
    model: nn.Module, data: Data, recipe: Recipe, *, seed: int, precision: Precision, out: Path | None
) -> int:
    """The steps that a run with these arguments has left, after every check that is possible before it starts.

    The folder is created if it is missing; nothing in it is changed.

    Raises:
        UsageError, CheckpointError, CheckpointMismatchError, ResultsError, OutputError: as `fit`.
    """
    check_data(data)
    check_recipe(recipe)
    recipe = recipe.for_images(len(data.train))
    check_arguments(model, data, recipe, seed=seed, out=out)
    if out is None:
        return recipe.steps
    with locked(out):  # fails if another process has the lock; the run takes it when it starts
        pass
    checkpoint, _ = find_latest(out)
    if checkpoint is None:
        check_nothing_left(out)
        check_writable(out)
        return recipe.steps
    identity = identity_of(model, data, recipe, seed=seed, precision=precision)
    check_identity(checkpoint.identity, identity.to_dict(), out, (checkpoint.part, data.part))
    start = StartingPoint.in_identity(checkpoint.identity)
    check_start(start, StartingPoint.of(network_in(model)), out, checkpoint.networks.values())
    if checkpoint.step < recipe.steps:
        check_writable(out)
    elif is_there(out / RUN_FILE):
        read_own_record(out / RUN_FILE, [EpochRow.from_dict(row) for row in checkpoint.rows])
    return recipe.steps - checkpoint.step


def identity_of(model: nn.Module, data: Data, recipe: Recipe, *, seed: int, precision: Precision) -> RunIdentity:
    """The identity of a run before its start, without its starting point; its recipe is for this number of images."""
    spec = known_spec(model)
    name, known = label_of(network_in(model), spec), data.to_dict()
    return RunIdentity(name=name, spec=spec, recipe=recipe, seed=seed, data=known, precision=precision)


def check_arguments(
    model: nn.Module, data: Data, recipe: Recipe, *, seed: int, processes: int = 1, out: Path | None = None
) -> None:
    """Refuse an invalid seed, weights that cannot learn, or data that does not fit the network or the processes.

    With `out`, a network of this package that could not be restored from a file is refused as well.

    Raises:
        UsageError: one of them is refused; the message says what was found and what to type instead.
    """
    check_seed(seed)
    _check_augmentation(data.train, recipe)
    if len(data.test) < processes:
        raise UsageError(
            f"each of {processes} processes needs a test image, but the test set has only {len(data.test)}"
        )
    if isinstance(innermost(model), torch.jit.ScriptModule) or is_exported(innermost(model)):
        raise UsageError(
            f"fit cannot train a scripted, traced or exported network, such as this {type(model).__name__}: train the "
            "network that it was made from, and script or export it afterwards"
        )
    network = network_in(model)
    _check_weights(network)
    if type(network).__module__.startswith("resnetzoo."):  # WithPreprocessing, which takes pixels
        network = zoo_network(network, "fit")
    if isinstance(network, CifarNet):
        _check_network(network, data, out)
    elif out is not None and (held := held_network(network)) is not None:
        name, inner = held
        raise UsageError(
            f"what the run would keep in {out} could not be loaded again: {type(network).__name__} is not a network of "
            f"resnetzoo, but contains a {inner.spec.label} and computes more than it. Pass only that, "
            f'model.get_submodule("{name}"), or omit out= to train it as it is and keep nothing'
        )
    check_smallest_batch(network, data.train, recipe)


def check_runs_on(model: nn.Module, device: torch.device, processes: int) -> None:
    """Refuse modules that cannot train on this device, or in a run that this many processes share.

    Raises:
        UsageError: there is one; the message names it.
    """
    in_group = torch.distributed.is_available() and torch.distributed.is_initialized()
    for name, module in model.named_modules():
        if isinstance(module, nn.SyncBatchNorm):
            if not in_group or device.type != "cpu":
                continue
            raise UsageError(
                f"{name} is a SyncBatchNorm, which trains only on GPUs when processes share a run: train the network "
                "without convert_sync_batchnorm, because fit adds up the sums of an nn.BatchNorm2d over all processes"
            )
        if processes > 1 and isinstance(module, _BatchNorm) and not can_be_summed(module):
            raise UsageError(
                f"{name}, {module}, would use the images of each process alone, while fit divides a batch between the "
                "processes: only the statistics of nn.BatchNorm2d with scale, momentum and running statistics are "
                "those of the whole batch. Train this network with one process, or with such norms"
            )


def _check_augmentation(train: ImageSet, recipe: Recipe) -> None:
    shorter = min(train.images.shape[-2:])
    if recipe.crop_padding_mode == "reflect" and recipe.crop_padding >= shorter:
        raise UsageError(
            f"crop_padding={recipe.crop_padding} cannot be filled by reflection: images of {shorter} pixels mirror "
            f'{shorter - 1} at most; take a smaller crop_padding, or crop_padding_mode="zeros"'
        )
    if recipe.cutout >= shorter:
        raise UsageError(
            f"cutout={recipe.cutout} may leave nothing of an image of {shorter} pixels: take a smaller hole, such as "
            f"{shorter // 2}"
        )


def _check_network(network: CifarNet, data: Data, out: Path | None) -> None:
    wanted = len(data.classes)
    check_channels(network, data.train)
    if network.num_classes == 0:
        raise UsageError(f"the network has no classifier: add one with reset_classifier({wanted})")
    if network.num_classes is not None and network.num_classes < wanted:
        raise UsageError(
            f"the network has {counted(network.num_classes, 'class')}, but {data.title} has {wanted}: "
            f"create(..., num_classes={wanted})"
        )
    _compare_class_order(network, data)
    if out is None:
        return
    try:
        stored_spec(network)
    except UsageError as error:
        raise UsageError(
            f"what the run would keep in {out} could not be loaded again: {error}. Omit out= to train the "
            "network as it is and keep nothing"
        ) from error


def _compare_class_order(network: CifarNet, data: Data) -> None:
    known = network.classes
    if known is not None and tuple(known) != data.classes and sorted(known) == sorted(data.classes):
        warnings.warn(
            f"the network was trained with its classes in the order {some(known)}, but {data.title} has them in the "
            f"order {some(data.classes)}, so each logit begins as another class. Convert the labels of both sets to "
            "the network's order with images.with_classes(model.classes)",
            stacklevel=2,
        )


def _check_weights(model: nn.Module) -> None:
    if any(is_lazy(parameter) for parameter in model.parameters()):
        raise UsageError("the network has weights without a shape yet: call it on a batch of images first")
    weights = [parameter for parameter in model.parameters() if parameter.is_floating_point()]
    if not weights:
        raise UsageError(f"this {type(model).__name__} has no weights, so there is nothing to learn")
    check_values(model)
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding | nn.EmbeddingBag) and module.sparse:
            raise UsageError(
                f"{name} has sparse gradients, which SGD with weight decay cannot take: create it without sparse=True, "
                "which learns the same"
            )
    if any(weight.is_inference() for weight in weights):
        raise UsageError("weights made inside torch.inference_mode() cannot learn: create the network outside of it")
    if not any(weight.requires_grad for weight in weights):
        raise UsageError(
            f"all weights of this {type(model).__name__} are frozen, so nothing would be learned: call "
            "requires_grad_(True) on those that are to learn; for an optimized network, train the original"
        )
    others = {
        name: str(weight.dtype).removeprefix("torch.")
        for name, weight in model.named_parameters()
        if weight.is_floating_point() and weight.dtype != torch.float32
    }
    if others and (isinstance(model, CifarNet) or len(others) == len(weights)):  # networks from elsewhere may mix them
        name, found = next(iter(others.items()))
        raise UsageError(
            f"fit trains weights in float32, but {name} is {found}: convert all of them with model.float()"
            '; precision="bf16" computes with them in bf16'
        )
    if spoiled := not_finite_parameters(model):
        raise UsageError(
            "the network cannot learn, since some of its weights are infinite or NaN before the first step: "
            f"{some(spoiled)}. If an earlier run made them so, create the network again or load a checkpoint"
        )
