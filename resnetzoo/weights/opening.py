"""A trained network by one word, as the command line takes it: a name, a row of weights, a file, an address."""

from pathlib import Path

from resnetzoo.errors import UnknownModelError
from resnetzoo.loading import load_checkpoint
from resnetzoo.loading.infer import check_family
from resnetzoo.loading.trained import looks_like_a_file
from resnetzoo.network import CifarNet
from resnetzoo.registry import list_models
from resnetzoo.spec import Family
from resnetzoo.weights.catalogue import list_weights
from resnetzoo.weights.store import located
from resnetzoo.weights.trained import trained_network


def load_model(word: str | Path, *, family: Family | None = None) -> CifarNet:
    """A trained network in evaluation mode, by whichever name it has.

    >>> load_model("resnet20").weights.name
    'resnet20.modern_c10'

    Args:
        word: a name of the zoo, which means its first row of `list_weights`; a row's name (`resnet20.akamaster_c10`);
            or what `load_checkpoint` reads, a file or the folder of a run, also at an https address, from where it is
            fetched once. Names come first: `./resnet20` is a folder.
        family: as in `load_checkpoint`, for files of weights that fit plain and residual networks.

    Raises:
        UnknownModelError: neither a name nor a file; the message lists near names.
        UsageError: the network has no weights, there is no such row, or it is an address other than of https.
        CheckpointError: a file that cannot be read, or a network of another family.
        DownloadError: a file that could not be fetched.
    """
    if isinstance(word, Path) or _means_a_file(word):
        return load_checkpoint(located(word), family=family)
    network, _, tag = word.partition(".")
    try:
        model = trained_network(network, tag or True)
    except UnknownModelError as error:
        raise UnknownModelError(f"{error}; and there is no file of that name") from error
    check_family(model.spec, family)
    return model


def _means_a_file(word: str) -> bool:
    if word in list_models() or word in {row.name for row in list_weights()}:
        return False
    return looks_like_a_file(word)
