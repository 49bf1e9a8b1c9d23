"""Continue a finished run for more epochs: the recipe, and where the earlier results are kept."""

import shutil
from dataclasses import replace
from itertools import count
from pathlib import Path

from resnetzoo.errors import CheckpointError, ResultsError, UsageError
from resnetzoo.training.lost_checkpoint import check_nothing_left
from resnetzoo.training.recipes import Recipe, lr_at
from resnetzoo.training.results import RunIdentity, read_record
from resnetzoo.training.run_folder import check_identity, find_latest, save_checkpoint
from resnetzoo.training.schedules import OneCycle, steps_per_epoch
from resnetzoo.utils.files import is_there, write_atomically, writing
from resnetzoo.utils.run_names import CHECKPOINT, LOGITS_FILE, RESULTS, RUN_FILE
from resnetzoo.utils.text import counted
from resnetzoo.weights.checkpoint.training_state import Checkpoint, read_checkpoint


def extended_recipe(identity: RunIdentity, extend_to: int, *, num_images: int, folder: Path) -> Recipe:
    """The recipe that extends the run in `folder` to `extend_to` epochs; nothing in the folder is changed.

    Args:
        identity: identity of the run as it was first started, with its recipe for this number of images.
        extend_to: total number of epochs.
        num_images: number of training images.
        folder: where the run is kept.

    Raises:
        UsageError: there is no run, it is not finished, or it already has that many epochs; the message says what to
            type instead.
        CheckpointMismatchError: the folder holds another run.
        CheckpointError: the run's state is missing or cannot be read.
    """
    checkpoint, _ = find_latest(folder)
    if checkpoint is None:
        check_nothing_left(folder)
        raise UsageError(
            f"{folder} contains no run that could be extended to {counted(extend_to, 'epoch')}: train one first, with "
            "the same call without extend_to, or the same command without --extend-to"
        )
    per_epoch = steps_per_epoch(num_images, identity.recipe.batch_size)
    recipe = identity.recipe
    for added_to in _later_epochs(_recipe_of(checkpoint), recipe, per_epoch):
        recipe = recipe.extended_to(added_to, num_images=num_images)
    parts = checkpoint.part, identity.data["part"]
    check_identity(checkpoint.identity, replace(identity, recipe=recipe).to_dict(), folder, parts)
    extended_before = recipe is not identity.recipe
    if extended_before and recipe.steps == extend_to * per_epoch:
        return recipe
    epochs = -(-recipe.steps // per_epoch)
    if checkpoint.step < recipe.steps:
        call, command = "without extend_to", "without --extend-to"
        if extended_before:
            call, command = f"with extend_to={epochs}", f"with --extend-to {epochs}"
        raise UsageError(
            f"{folder} contains a run that is not finished: it is at step {checkpoint.step:,} of {recipe.steps:,}, "
            f"epoch {checkpoint.step // per_epoch} of {epochs}. Finish it with the same call {call} (the same command "
            f"{command}), and extend it then"
        )
    if extend_to * per_epoch <= recipe.steps:
        raise UsageError(
            f"extend_to counts all epochs and must be more than {epochs}, not {extend_to}: {folder} already contains a "
            f"run of {counted(epochs, 'epoch')} ({counted(recipe.steps, 'step')})"
        )
    return recipe.extended_to(extend_to, num_images=num_images)


def _recipe_of(checkpoint: Checkpoint) -> Recipe | None:
    """The recipe of a stored state; None if this version cannot read it."""
    try:
        return Recipe.from_dict(checkpoint.identity["recipe"])
    except (KeyError, TypeError, UsageError):
        return None


def _later_epochs(found: Recipe | None, begun: Recipe, per_epoch: int) -> list[int]:
    """The numbers of epochs to which a run that was started with this recipe was extended, in order."""
    ends = (*begun.extended_at, begun.steps)
    reached = (*found.extended_at, found.steps) if found else ()
    return [end // per_epoch for end in reached[len(ends) :]] if reached[: len(ends)] == ends else []


def is_extended_by(checkpoint: Checkpoint, recipe: Recipe) -> bool:
    """Whether a state is the end of the run that `recipe` extends."""
    found = _recipe_of(checkpoint)
    if found is None or (*found.extended_at, found.steps) != recipe.extended_at or checkpoint.step < found.steps:
        return False
    longer = {field: getattr(recipe, field) for field in ("name", "steps", "epochs", "extended_at")}
    return replace(found, **longer) == recipe


def begin_extension(checkpoint: Checkpoint, recipe: Recipe, folder: Path, per_epoch: int) -> Checkpoint:
    """Keep the results of a finished run, and turn its state in the folder into the start of the extended run.

    If the process is killed at any point in this function, the folder holds the finished run or the extended one. The
    finished run is copied before any of it is removed.

    Args:
        checkpoint: the state at the end of the finished run.
        recipe: the extended recipe.
        folder: the run's folder.
        per_epoch: number of steps per epoch.

    Raises:
        ResultsError: the run has no record, or one that was edited by hand.
        OutputError: the folder cannot be written; the finished run stays as it is.
    """
    kept = _keep(checkpoint, folder, per_epoch)
    with writing(folder):
        for file in (RUN_FILE, LOGITS_FILE):  # they describe an end that is no longer the end of the run
            (folder / file).unlink(missing_ok=True)
    extended = replace(checkpoint, identity={**checkpoint.identity, "recipe": recipe.to_dict()})
    save_checkpoint(extended, folder)
    print(f"the previous result of the run in {folder} is kept in {kept}")
    return extended


def _keep(checkpoint: Checkpoint, folder: Path, per_epoch: int) -> Path:
    """Copy state, log, record and logits of a finished run into a subfolder, unless they are there already."""
    epoch, rest = divmod(checkpoint.step, per_epoch)
    name = f"until-step-{checkpoint.step}" if rest else f"until-epoch-{epoch}"
    with writing(folder):
        for number in count(1):
            kept = folder / (name if number == 1 else f"{name}-{number}")
            if not is_there(kept):
                break
            if _holds(kept, checkpoint):
                return kept
        if not is_there(folder / RUN_FILE):
            raise ResultsError(
                f"{folder} has no {RUN_FILE} of its finished run, which must be kept: the same call without extend_to "
                "(the same command without --extend-to) writes it"
            )
        read_record(folder / RUN_FILE)
        unfinished = kept.with_name(f".{kept.name}.tmp")
        if is_there(unfinished):  # left by a process that was killed in this function
            shutil.rmtree(unfinished)
        for file in RESULTS:
            if is_there(folder / file):
                write_atomically(unfinished / file, (folder / file).read_bytes())
        save_checkpoint(checkpoint, unfinished)
        unfinished.rename(kept)
    return kept


def _holds(kept: Path, checkpoint: Checkpoint) -> bool:
    """Whether a folder holds the run that ends in this state, as shown by the times of its epochs, which are unique."""
    try:
        return read_checkpoint(kept / CHECKPOINT).rows == checkpoint.rows
    except CheckpointError:
        return False


def explain_extension(recipe: Recipe, per_epoch: int) -> str:
    """One line that says how the learning rate changes in the added epochs."""
    begin = recipe.extended_at[-1]
    if isinstance(recipe.schedule, OneCycle):
        rate = f"another cycle of the learning rate, up to {recipe.lr:g} and down to 0"
    else:
        first, last = lr_at(recipe, begin), lr_at(recipe, recipe.steps - 1)
        rate = f"the learning rate goes on at {first:g}{'' if first == last else f', and falls to {last:g}'}"
    epochs = counted(recipe.steps // per_epoch, "epoch")
    return f"extended from step {begin:,} to {recipe.steps:,}, {epochs} in all: {rate}"
