"""Networks by name: a registered spec with the choices made, or a row of weights, its file, and the network in it."""

from dataclasses import asdict, replace
from typing import Any, cast

from resnetzoo.errors import UnknownModelError, UsageError
from resnetzoo.models.builders import fresh_network
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.pretrained import Weights
from resnetzoo.models.registry import get_spec
from resnetzoo.models.shapes import Norm
from resnetzoo.models.spec import Family, ModelSpec, Shortcut
from resnetzoo.utils.random import seeded
from resnetzoo.weights.catalog import default_weights, get_weights, list_models, list_weights
from resnetzoo.weights.checkpoint.file_type import looks_like_a_file
from resnetzoo.weights.checkpoint.infer_spec import check_family
from resnetzoo.weights.checkpoint.load import load_checkpoint, load_network
from resnetzoo.weights.checkpoint.source import CheckpointSource
from resnetzoo.weights.hub import local_path, resolve_source


def create(
    name: str,
    *,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: Shortcut | None = None,
    zero_init_residual: bool | None = None,
    norm: Norm | None = None,
    drop_rate: float | None = None,
    seed: int | None = None,
    weights: bool | CheckpointSource | None = None,
    key: str | None = None,
) -> CifarNet:
    """A network by its name: with fresh weights in training mode, or with trained ones in evaluation mode.

    >>> create("resnet20", num_classes=100).spec.num_classes
    100
    >>> create("resnet20", weights=True).weights.name
    'resnet20.modern_c10'

    Args:
        name: one of `list_models()`.
        num_classes: length of the logits; the registered spec's (10) if left out.
        in_chans: channels of the images; the registered spec's (3) if left out.
        shortcut: `identity`, `projection` or `projection_all`; the registered spec's if left out.
        zero_init_residual: start each residual branch at zero.
        norm: `batch` or `group`; the registered spec's if left out.
        drop_rate: share of the activations between the convolutions of basic blocks that is dropped in training.
        seed: of the weights; left out, they come from torch's random state, which otherwise stays as it is.
        weights: True for the network's first row of `list_weights`, a row's name or tag (`akamaster_c10`), what
            `load_checkpoint` reads, or an https address of a file. They bring their shortcut and classes along; with
            another `num_classes` the classifier is fresh, with other `in_chans` the first convolution and the
            normalization are made for them, as `load_checkpoint` does, with a warning.
        key: which network, of a file with several, as in `load_checkpoint`.

    Raises:
        UnknownModelError: no such name; the message lists near ones.
        UsageError: a choice that the network cannot have, or weights that are not there or of another network.
        CheckpointError: a file of weights that cannot be read, or is not the one that was published.
        DownloadError: weights that could not be fetched.
    """
    if weights is not None and weights is not False:
        for choice, value in (("zero_init_residual", zero_init_residual), ("norm", norm), ("drop_rate", drop_rate)):
            if value:
                raise UsageError(f"{choice} is about fresh weights: leave it out, or weights")
        return _trained_network(
            name, weights, num_classes=num_classes, in_chans=in_chans, shortcut=shortcut, seed=seed, key=key
        )
    _check_no_key(key, name)
    choices: dict[str, Any] = {
        "num_classes": num_classes,
        "in_chans": in_chans,
        "shortcut": shortcut,
        "zero_init_residual": zero_init_residual,
        "norm": norm,
        "drop_rate": drop_rate,
    }
    made = {field: value for field, value in choices.items() if value is not None}
    spec = replace(get_spec(name), **made)
    return fresh_network(spec, seed)


def load_model(word: CheckpointSource, *, family: Family | None = None, key: str | None = None) -> CifarNet:
    """A trained network in evaluation mode, by whichever name it has.

    >>> load_model("resnet20").weights.name
    'resnet20.modern_c10'

    Args:
        word: a name of the zoo, which means its first row of `list_weights`; a row's name (`resnet20.akamaster_c10`);
            or what `load_checkpoint` reads, such as a file or the folder of a run, also at an https address, from where
            it is fetched once. Names come first: `./resnet20` is a folder.
        family: as in `load_checkpoint`, for files of weights that fit plain and residual networks.
        key: as in `load_checkpoint`, for files with several networks.

    Raises:
        UnknownModelError: neither a name nor a file; the message lists near names.
        UsageError: the network has no weights, there is no such row, it is an address other than of https, or there is
            a `key` and no file.
        CheckpointError: a file that cannot be read, or a network of another family.
        DownloadError: a file that could not be fetched.
    """
    if not isinstance(word, str) or _means_a_file(word):
        return load_checkpoint(resolve_source(word), family=family, key=key)
    _check_no_key(key, word)
    network, _, tag = word.partition(".")
    try:
        model = _trained_network(network, tag or True)
    except UnknownModelError as error:
        raise UnknownModelError(f"{error}; and there is no file of that name") from error
    check_family(model.spec, family)
    return model


def _check_no_key(key: str | None, name: str) -> None:
    if key is not None:
        raise UsageError(f'key="{key}" chooses among the networks in a file, and {name} is none: leave key out')


def _means_a_file(word: str) -> bool:
    if word in list_models() or word in {row.name for row in list_weights()}:
        return False
    return looks_like_a_file(word)


def _trained_network(
    name: str,
    weights: bool | CheckpointSource,
    *,
    num_classes: int | None = None,
    in_chans: int | None = None,
    shortcut: Shortcut | None = None,
    seed: int | None = None,
    key: str | None = None,
) -> CifarNet:
    """The network `name` with trained weights, in evaluation mode; see `create` for the arguments.

    Raises:
        UsageError: no such weights, or they are of another network than asked for.
        CheckpointError: the file cannot be read, or is not the one that was published.
        DownloadError: it could not be fetched.
    """
    spec = get_spec(name)
    family: Family | None = None if spec.has_shortcuts else spec.family  # which weights do not show; the rest they do
    row = _find_row(name, weights)
    if row is not None and row.network != name:  # read as plain, a residual network's weights fit and answer wrongly
        raise UsageError(_of_another(row.network, name))
    if row is not None:
        _check_no_key(key, row.name)
    source = resolve_source(cast(CheckpointSource, weights)) if row is None else local_path(row)
    model = load_network(source, family, row, key=key, in_chans=in_chans)
    _check(model, name, shortcut)
    if num_classes is not None and num_classes != model.num_classes:
        with seeded(seed):
            model.reset_classifier(num_classes)
    return model


def _find_row(name: str, weights: bool | CheckpointSource) -> Weights | None:
    """The row that is meant; None of a path, an address, and what is not called by a name.

    Raises:
        UsageError: it looks like a tag, and there is no such one.
    """
    if weights is True:
        return default_weights(name)
    if not isinstance(weights, str):
        return None
    tags = {row.tag: row for row in list_weights(f"{name}.*")}
    if weights in tags:
        return tags[weights]
    if looks_like_a_file(weights):  # or an address
        return None
    return get_weights(weights if "." in weights else f"{name}.{weights}")


def _check(model: CifarNet, name: str, shortcut: Shortcut | None) -> None:
    """Refuse weights of another network than was asked for."""
    found, wanted = model.spec, get_spec(name)
    if _architecture(found) != _architecture(wanted):
        same = found.label == wanted.label
        raise UsageError(_of_another(f"{found.label} of widths {found.widths}" if same else found.label, name))
    if shortcut not in (None, found.shortcut):
        raise UsageError(f'the weights have shortcut="{found.shortcut}", not "{shortcut}": leave shortcut out')


def _architecture(spec: ModelSpec) -> dict[str, Any]:
    """All of a spec but the choices that weights bring along."""
    chosen = {"shortcut", "num_classes", "in_chans", "zero_init_residual", "drop_rate"}
    return {field: value for field, value in asdict(spec).items() if field not in chosen}


def _of_another(found: str, name: str) -> str:
    return f"the weights are of {found}, not of {name}: create or load them as what they are"
