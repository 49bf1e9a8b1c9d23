"""Networks by name: from a registered spec with the caller's choices, or from a row of weights and its file."""

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
    """Create a network by its name: with fresh weights in training mode, or with trained ones in evaluation mode.

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
        seed: seed for the weights; by default they are drawn from torch's random state, which a seed leaves unchanged.
        weights: True for the network's first row of `list_weights`, a row's name or tag (`akamaster_c10`), what
            `load_checkpoint` reads, or an https address of a file. Names take precedence: `./akamaster_c10` is a file.
            Their shortcut and classes are used. With another
            `num_classes` the classifier is fresh. With other `in_chans` the first convolution and the normalization are
            converted, with a warning, as in `load_checkpoint`.
        key: selects one of several networks in a file, as in `load_checkpoint`.

    Raises:
        UnknownModelError: there is no such name; the message lists similar ones.
        UsageError: a choice that the network does not support, or weights that are missing or belong to another
            network.
        CheckpointError: a file of weights cannot be read, or is not the published one.
        DownloadError: weights could not be fetched.
    """
    if weights is not None and weights is not False:
        for choice, value in (("zero_init_residual", zero_init_residual), ("norm", norm), ("drop_rate", drop_rate)):
            if value:
                raise UsageError(f"{choice} is for fresh weights: leave it out, or leave out weights")
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
    """A trained network in evaluation mode, by the name of the network, its row of weights or its file.

    >>> load_model("resnet20").weights.name
    'resnet20.modern_c10'

    Args:
        word: a name of the zoo, which means its first row of `list_weights`; a row's name (`resnet20.akamaster_c10`);
            or what `load_checkpoint` reads, such as a file or the folder of a run, also at an https address, from which
            it is fetched once. Names take precedence: `./resnet20` is a folder.
        family: the family, as in `load_checkpoint`, for files of weights that fit plain and residual networks.
        key: selects one of several networks in a file, as in `load_checkpoint`.

    Raises:
        UnknownModelError: `word` is neither a name nor a file; the message lists similar names.
        UsageError: the network has no weights, there is no such row, the address is not https, or a `key` is given
            without a file.
        CheckpointError: the file cannot be read, or holds a network of another family.
        DownloadError: the file could not be fetched.
    """
    if not isinstance(word, str) or _means_a_file(word):
        return load_checkpoint(resolve_source(word), family=family, key=key)
    _check_no_key(key, word)
    network, _, tag = word.partition(".")
    try:
        model = _trained_network(network, tag or True)
    except UnknownModelError as error:
        raise UnknownModelError(f"{error}; there is no file of that name either") from error
    check_family(model.spec, family)
    return model


def _check_no_key(key: str | None, name: str) -> None:
    if key is not None:
        raise UsageError(f'key="{key}" chooses among the networks in a file, but {name} is not a file: leave it out')


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
        UsageError: there are no such weights, or they belong to another network.
        CheckpointError: the file cannot be read, or is not the one that was published.
        DownloadError: it could not be fetched.
    """
    spec = get_spec(name)
    family: Family | None = None if spec.has_shortcuts else spec.family  # not visible in weights; the rest is
    row = _find_row(name, weights)
    if row is not None and row.network != name:  # a residual network's weights would fit, and give wrong answers
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
    """The row that `weights` names; None for a path, an address or anything that is not a name.

    Raises:
        UsageError: it looks like a tag, but there is no such tag.
    """
    if weights is True:
        return default_weights(name)
    if not isinstance(weights, str):
        return None
    own = {row.tag: row for row in list_weights(f"{name}.*")}
    named = own | {row.name: row for row in list_weights()}
    if weights in named:
        return named[weights]
    if looks_like_a_file(weights):  # or an address
        return None
    return get_weights(weights if "." in weights else f"{name}.{weights}")


def _check(model: CifarNet, name: str, shortcut: Shortcut | None) -> None:
    """Refuse weights of another network than the requested one."""
    found, wanted = model.spec, get_spec(name)
    if _architecture(found) != _architecture(wanted):
        raise UsageError(_of_another(found.label, name))
    if shortcut not in (None, found.shortcut):
        raise UsageError(f'the weights have shortcut="{found.shortcut}", not "{shortcut}": leave shortcut out')


def _architecture(spec: ModelSpec) -> dict[str, Any]:
    """All of a spec except the choices that weights determine."""
    chosen = {"shortcut", "num_classes", "in_chans", "zero_init_residual", "drop_rate"}
    return {field: value for field, value in asdict(spec).items() if field not in chosen}


def _of_another(found: str, name: str) -> str:
    return f"the weights are of {found}, not of {name}: create or load the network that they belong to"
