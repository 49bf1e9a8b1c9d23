"""A network with trained weights, wherever they are: a row's, a file's, an address's."""

from pathlib import Path

from resnetzoo.errors import UsageError
from resnetzoo.loading import load_checkpoint
from resnetzoo.loading.trained import looks_like_a_file
from resnetzoo.network import CifarNet
from resnetzoo.normalization import carry_normalization
from resnetzoo.registry import get_spec
from resnetzoo.seeding import seeded
from resnetzoo.spec import Family, Shortcut
from resnetzoo.weights.carried import carry_row
from resnetzoo.weights.catalogue import default_weights, get_weights, list_weights
from resnetzoo.weights.row import Weights
from resnetzoo.weights.store import file_of, located


def trained_network(
    name: str,
    weights: bool | str | Path,
    *,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: Shortcut | None = None,
    seed: int | None = None,
) -> CifarNet:
    """The network `name` with trained weights, in evaluation mode; see `create` for the arguments.

    Raises:
        UsageError: no such weights, or they are of another network than asked for.
        CheckpointError: the file cannot be read, or is not the one that was published.
        DownloadError: it could not be fetched.
    """
    family: Family | None = "plain" if get_spec(name).family == "plain" else None  # the rest can be read off
    row = find_row(name, weights)
    if row is not None:
        if row.network != name:  # read as plain, a residual network's weights fit and answer wrongly
            raise UsageError(_of_another(row.network, name))
        model = load_checkpoint(file_of(row), family=family)
        carry_row(model, row)
        model.classes = row.classes
        if not row.packaged:  # a file of ours says it itself, to the last digit
            carry_normalization(model, row.normalization)
    else:
        model = load_checkpoint(located(weights if isinstance(weights, Path) else str(weights)), family=family)
    _check(model, name, in_chans, shortcut)
    if num_classes is not None and num_classes != model.num_classes:
        with seeded(seed):
            model.reset_classifier(num_classes)
    return model


def find_row(name: str, weights: bool | str | Path) -> Weights | None:
    """The row that is meant; None of a path or an address.

    Raises:
        UsageError: it looks like a tag, and there is no such one.
    """
    if weights is True:
        return default_weights(name)
    if isinstance(weights, Path) or not isinstance(weights, str):
        return None
    tags = {row.tag: row for row in list_weights(f"{name}.*")}
    if weights in tags:
        return tags[weights]
    if looks_like_a_file(weights):  # or an address
        return None
    return get_weights(weights if "." in weights else f"{name}.{weights}")


def _check(model: CifarNet, name: str, in_chans: int | None, shortcut: Shortcut | None) -> None:
    """Refuse weights of another network than was asked for."""
    found, wanted = model.spec, get_spec(name)
    if (found.family, found.depth, found.block) != (wanted.family, wanted.depth, wanted.block):
        raise UsageError(_of_another(found.label, name))
    if shortcut not in (None, found.shortcut):
        raise UsageError(f'the weights have shortcut="{found.shortcut}", not "{shortcut}": leave shortcut out')
    if in_chans not in (None, found.in_chans):
        raise UsageError(f"the weights take {found.in_chans} channels, not {in_chans}: leave in_chans out")


def _of_another(found: str, name: str) -> str:
    return f"the weights are of {found}, not of {name}: create or load them as what they are"
