"""The states of a run in its folder: written atomically, the previous one kept, and resumed only by the same run."""

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import torch

from resnetzoo.data.titles import data_title
from resnetzoo.errors import CheckpointError, CheckpointMismatchError, DamagedCheckpointError
from resnetzoo.training.starting_point import STARTING_POINT, StartingPoint, fingerprint_weights
from resnetzoo.utils.files import is_there, keep_as, write_atomically
from resnetzoo.utils.nested import flatten
from resnetzoo.utils.run_names import CHECKPOINT, DAMAGED, PREVIOUS
from resnetzoo.utils.text import counted, some
from resnetzoo.weights.checkpoint.training_state import Checkpoint, read_checkpoint

_LENGTH = {f"recipe.{field}" for field in ("name", "steps", "epochs", "schedule.milestones", "extended_at")}
"""The fields that differ between two runs if one is the other with more epochs."""


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> None:
    """Write `folder/checkpoint.pt`; the previous one becomes `checkpoint.previous.pt`.

    Raises:
        OutputError: the folder cannot be written; its files are unchanged.
    """
    buffer = io.BytesIO()
    torch.save(checkpoint.to_stored(), buffer)
    write_atomically(folder / CHECKPOINT, buffer.getvalue(), previous=folder / PREVIOUS)


def read_latest(folder: Path) -> Checkpoint | None:
    """The newest readable state in `folder`; None if the folder contains no state.

    If `checkpoint.pt` is damaged, a warning names it, and its predecessor is used and takes its place. The damaged file
    is set aside, since otherwise the next state to be written would replace the good predecessor. A file that cannot be
    read, or that another version wrote, does not count as damaged: it stops the run and stays in place.

    Raises:
        CheckpointError: every state in the folder is damaged, or the newest cannot be read.
    """
    checkpoint, damage = find_latest(folder)
    if damage is not None:
        previous = folder / PREVIOUS
        # Before anything is moved, since a filter may turn the warning into an error.
        warnings.warn(
            f"{damage}: not used, but set aside as {DAMAGED}; the run continues from {previous}", stacklevel=4
        )
        with suppress(FileNotFoundError):  # another process of the same run may have set it aside
            keep_as(folder / CHECKPOINT, folder / DAMAGED)
        keep_as(previous, folder / CHECKPOINT)
    return checkpoint


def find_latest(folder: Path) -> tuple[Checkpoint | None, CheckpointError | None]:
    """The result of `read_latest`, and what is wrong with `checkpoint.pt` if its predecessor is used; changes nothing.

    Raises:
        CheckpointError: every state in the folder is damaged, or the newest cannot be read.
    """
    damage: list[DamagedCheckpointError] = []
    for path in (folder / CHECKPOINT, folder / PREVIOUS):
        if _is_state_there(path):
            try:
                return read_checkpoint(path), next(iter(damage), None)
            except DamagedCheckpointError as error:
                damage.append(error)
    if not damage:
        return None, None
    raise CheckpointError(f"{', and '.join(map(str, damage))}. {another_folder(folder)}, to start over") from damage[-1]


def _is_state_there(path: Path) -> bool:
    try:
        return is_there(path)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error


def check_identity(found: dict[str, Any], wanted: dict[str, Any], folder: Path, parts: tuple[str, str]) -> None:
    """Refuse to resume the run in `folder` as another one; `check_start` compares the initial weights.

    Args:
        found: the identity of the run in `folder`.
        wanted: the identity of the run that should resume there.
        folder: the folder of the run.
        parts: which part of their data the two runs train on; empty for the whole.

    Raises:
        CheckpointMismatchError: the runs differ; the message names each field that differs, with both values.
    """
    stored, current = flatten(_without_start(found)), flatten(_without_start(wanted))
    if "data.fingerprint_v1" not in stored and "data.fingerprint_v1" in current:  # the only one in earlier versions
        current["data.fingerprint"] = current.pop("data.fingerprint_v1")
    differing = [key for key in sorted(stored.keys() | current.keys()) if stored.get(key) != current.get(key)]
    if differing:
        fields = "; ".join(_differences(stored, current, differing, parts))
        longer = _how_to_extend(stored, current) if set(differing) <= _LENGTH else ""
        raise CheckpointMismatchError(f"{folder} holds another run: {fields}. {another_folder(folder)}{longer}")


def _differences(
    stored: dict[str, Any], current: dict[str, Any], differing: Sequence[str], parts: tuple[str, str]
) -> Iterator[str]:
    """Each differing field with both values; the data in words if their parts differ, since hashes explain nothing."""
    of_data = [key for key in differing if key.startswith("data.") and parts[0] != parts[1]]
    if of_data:
        there, here = (
            data_title(values["data.name"], part) for values, part in zip((stored, current), parts, strict=True)
        )
        yield f"the data are {there} there, {here} here"
    for key in differing:
        if key not in of_data:
            yield f"{key} is {stored.get(key)!r} there, {current.get(key)!r} here"


def _how_to_extend(stored: dict[str, Any], current: dict[str, Any]) -> str:
    """What to type if a run was extended, or a longer one is requested; both identities are flat dictionaries."""
    if stored.get("recipe.extended_at") and stored["recipe.steps"] > current["recipe.steps"]:
        return ". That one was extended: extend_to={0} (--extend-to {0}) asks for it{1}".format(*_epochs(stored))
    if stored["recipe.steps"] < current["recipe.steps"]:
        how = ". To let that one go on, ask for it as it was, with extend_to={0} (--extend-to {0}){1}"
        return how.format(*_epochs(current))
    return ""


def _epochs(identity: dict[str, Any]) -> tuple[str, str]:
    """The number of epochs of a run, or N and what it stands for; the name of an extended recipe in steps has it."""
    named = re.search(r"-to(\d+)ep$", identity["recipe.name"])
    epochs = identity["recipe.epochs"] or (named and named[1])
    return (str(epochs), "") if epochs else ("N", ", where N counts all epochs")


def check_start(
    found: StartingPoint | None,
    wanted: StartingPoint | None,
    folder: Path,
    reached: Iterable[Mapping[str, object]] = (),
) -> None:
    """Refuse to resume a run that started differently; earlier versions did not store how a run started.

    Args:
        found: how the run in `folder` started.
        wanted: how the run that should resume there would start.
        folder: the folder of that run.
        reached: the latest state dicts of that run, if available; a network with these weights is accepted as well.

    Raises:
        CheckpointMismatchError: the weights, the frozen parameters, or settings of norms or dropouts differ.
    """
    if found is None or wanted is None:
        return
    if found.frozen != wanted.frozen:
        raise CheckpointMismatchError(
            f"{folder} holds another run: {_frozen(found)} there, {_frozen(wanted)} here. {another_folder(folder)}"
        )
    if found.settings is not None and found.settings != wanted.settings:
        differing = sorted({*found.settings} ^ {*(wanted.settings or ())})
        raise CheckpointMismatchError(
            f"{folder} holds another run: a norm or dropout has another setting, {some(differing)} only "
            f"{'there' if differing[0] in found.settings else 'here'}. {another_folder(folder)}"
        )
    if found.has_weights(wanted.weights):
        return
    if any(wanted.has_weights(fingerprint_weights(state)) for state in reached):
        return
    raise CheckpointMismatchError(
        f"{folder} holds a run that began with other weights than this network has. {another_folder(folder)}. To "
        "continue that run, pass the network that it began with, made from the same seed, or load its weights first"
    )


def another_folder(folder: Path) -> str:
    """Advice for a folder that holds another run, none of which should be deleted."""
    taken = folder.resolve()
    free = next(name for number in count(2) if not (taken.parent / (name := f"{taken.name}-{number}")).exists())
    return f'Choose another folder, such as out="{folder.parent / free}", or move that one away, as fresh=True does'


def _frozen(start: StartingPoint) -> str:
    """The number of frozen parameters, and the names of the first few."""
    names = f" ({', '.join(start.frozen[:3])}{', ...' * (len(start.frozen) > 3)})" * bool(start.frozen)
    number = counted(len(start.frozen), "parameter") if start.frozen else "no parameters"
    return f"{number} {'is' if len(start.frozen) == 1 else 'are'} frozen{names}"


def _without_start(identity: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in identity.items() if key != STARTING_POINT}
