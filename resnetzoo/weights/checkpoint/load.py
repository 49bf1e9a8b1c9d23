"""Load a network from anybody's file: identify, read, unwrap, remap, infer, build, attach."""

import warnings
from dataclasses import replace

from resnetzoo.data.normalization import Normalization
from resnetzoo.errors import CheckpointError
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.fingerprint import fingerprint_of
from resnetzoo.models.input_channels import adapt_input
from resnetzoo.models.pretrained import Origin, Pretrained, Weights
from resnetzoo.models.spec import Family
from resnetzoo.utils.text import counted
from resnetzoo.weights.checkpoint.build import build_backbone, build_network
from resnetzoo.weights.checkpoint.load_warnings import load_warnings
from resnetzoo.weights.checkpoint.metadata import parse_metadata
from resnetzoo.weights.checkpoint.parts import choices, choose_part
from resnetzoo.weights.checkpoint.publishers import find_publisher
from resnetzoo.weights.checkpoint.recognize import Recognized, first_network, recognize
from resnetzoo.weights.checkpoint.safetensors_file import SafetensorsFile
from resnetzoo.weights.checkpoint.source import CheckpointSource, read_source
from resnetzoo.weights.checkpoint.stated_names import stated_names
from resnetzoo.weights.checkpoint.tensor_kinds import foreign_tensor
from resnetzoo.weights.checkpoint.training_state import (
    Checkpoint,
    is_training_state,
    parse_state,
    state_metadata,
    state_training,
    state_weights,
)
from resnetzoo.weights.checkpoint.unwrap import Unwrapped, unwrap


class CheckpointWarning(UserWarning):
    """A network was loaded, but may not be what its file's name suggests or what the user expects."""


def load_checkpoint(
    path: CheckpointSource, *, family: Family | None = None, key: str | None = None, in_chans: int | None = None
) -> CifarNet:
    """The network in a file, in evaluation mode, with its `.spec`, `.normalization`, `.classes` and `.origin`.

    Reads files of `torch.save` and of safetensors in the names of this package, torchvision and timm (so chenyaofo's,
    detectors' and RepDistiller's), akamaster, kuangliu, OpenOOD, pytorchcv, xternalz, meliketoy, torchdistill and
    bearpaw: only weights, or a dictionary that contains them, with any prefixes that wrappers put before their names.
    Depth, family, block, shortcut, widths, classes and channels are inferred from names and shapes. If these fit both a
    plain and a residual network, a name that the file states decides (`arch`, `model_name`, `args.arch`,
    hyper-parameters). `print(model.origin)` says what was found and how. Nothing in the file is executed.

    Args:
        path: the file, the folder of a run of `fit`, a file that was opened with mode `rb`, or an object in memory: a
            state dict, or a dictionary that contains one.
        family: the family of weights that fit two families, whatever their file calls them. If left out, the name in
            the file decides, or else it is `residual`. `plain` networks have the names and shapes of residual ones with
            identity shortcuts. Files of `fit` state their family.
        key: selects one of several networks in a file: the keys that lead to its weights and the prefix of their names,
            joined by points, or the end of that: `state_dict_ema`, `ema_model`, `teacher`. If left out, it is the
            trained network, if that is known. For a run that averages its weights it is the average, which was tested;
            `model` selects the weights that are trained.
        in_chans: channels of the images, if they differ from those in training: the first convolution and the
            normalization are converted, as timm does.

    Raises:
        CheckpointError: the file is missing, truncated, damaged, or holds no network of this package, in which case the
            message says what it is; it states the name of a network that its weights contradict, and the message names
            both; or it holds several networks, and the message lists them.
        UsageError: an unknown family, `in_chans` is not a whole number above 0, or `path` cannot be read at all.

    Warns:
        CheckpointWarning: the file's name suggests another depth, family or other stages; the file or its name speaks
            of another architecture with the same names and shapes, or states a network that has other widths here;
            `family` differs from that of its publisher or its own statement, the names leave open how the network
            computes, the network was converted to other `in_chans`, or the file has no classifier, so that the network
            returns its pooled features.
    """
    return load_network(path, family, key=key, in_chans=in_chans)


def load_network(
    source: CheckpointSource,
    family: Family | None = None,
    row: Weights | None = None,
    *,
    key: str | None = None,
    in_chans: int | None = None,
) -> CifarNet:
    """Like `load_checkpoint`, and also attach `row`, the row of weights that describes the file."""
    name, content, file = read_source(source)  # identify, read
    try:
        unwrapped = first_network(unwrap_content(content, key))
        found = recognize(unwrapped, file, family)  # remap the keys, infer the spec
        build = build_network if found.classified else build_backbone
        model = build(found.spec, found.unwrapped.weights)
        attach(model, found, name, row)
    except CheckpointError as error:
        raise CheckpointError(f"{name}: {error}") from error
    named = bool(found.unwrapped.stated)
    guesses = [] if found.stated else load_warnings(found.spec, found.mapping, file, family, stated=named)
    adapted = None if in_chans is None else adapt_input(model, in_chans)
    for warning in [*found.warnings, *guesses, *([adapted] if adapted else [])]:
        warnings.warn(f"{name}: {warning}", CheckpointWarning, stacklevel=3)
    return model


def unwrap_content(content: object, key: str | None = None) -> list[Unwrapped]:
    """The weights of a file, read in each possible way; files of this package have only one.

    Raises:
        CheckpointError: there are none, `key` selects none or several, or they are not plain tensors.
    """
    found = _unwrapped(content, key)
    for name, tensor in found[-1].weights.items():
        if kind := foreign_tensor(tensor):
            raise CheckpointError(f"it holds {kind}, such as {name}")
    return found


def _unwrapped(content: object, key: str | None) -> list[Unwrapped]:
    if is_training_state(content):
        return [_of_training_state(parse_state(content), key)]
    if isinstance(content, SafetensorsFile):
        metadata = parse_metadata(content.metadata)
        if metadata.spec is not None:
            _check_no_key(key)
            return [Unwrapped(content.weights, metadata=metadata)]
        stated = tuple(stated_names(content.metadata))
        return [candidate._replace(stated=stated) for candidate in unwrap(content.weights, key)]
    return unwrap(content, key)


def _of_training_state(checkpoint: Checkpoint, key: str | None) -> Unwrapped:
    """The weights of a training state: the averaged ones if it has two networks, unless `key` selects the others."""
    networks = list(checkpoint.networks)
    if len(networks) == 1:
        _check_no_key(key)
    taken = networks[-1] if key is None else str(choose_part(checkpoint.networks, key).way[0])
    left = [name for name in networks if name != taken]
    metadata = state_metadata(checkpoint)
    return Unwrapped(
        state_weights(checkpoint, taken),
        opened=(f'["{taken}"]',) if left else (),
        notes=tuple(f"weights also under {name!r}, which were not taken; {choices([name])}" for name in left),
        training=state_training(checkpoint),
        metadata=metadata,
    )


def _check_no_key(key: str | None) -> None:
    if key is not None:
        raise CheckpointError(f'a file of this package holds one network, and nothing under key="{key}": leave it out')


def attach(model: CifarNet, found: Recognized, name: str, row: Weights | None = None) -> None:
    """Attach everything known about its weights to a newly built network.

    A row in the file's metadata holds only for the weights with which it was written, not for weights that were rounded
    to fp16 or replaced since.

    Raises:
        CheckpointError: the file's row is of these weights, and cannot be read.
    """
    known, stored = found.unwrapped.metadata.pretrained, found.unwrapped.metadata.row
    if row is not None:
        normalization = known.normalization or row.normalization  # the file's is exact to the last digit
        known = Pretrained(normalization, row.classes, weights=row, fingerprint=fingerprint_of(model))
    elif stored is not None and stored.fingerprint == fingerprint_of(model):
        known = replace(known, weights=stored.parse(), fingerprint=stored.fingerprint)
    inferred, how = _normalization(found)
    model.pretrained = replace(known, normalization=known.normalization or inferred, origin=_origin(found, how, name))


def _normalization(found: Recognized) -> tuple[Normalization | None, str]:
    """The normalization that the file states, or else that of its publisher, and in words how it is known.

    If a file holds one that cannot be read, it is not the publisher's.
    """
    stated, own = found.unwrapped.metadata.pretrained.normalization, found.unwrapped.normalizations
    if stated is not None:
        return stated, "as the file says"
    unknown = "unknown (evaluate takes that of the images, unless it is given another)"
    if own:
        names, read = " and ".join(own[0].names), [one.normalization(found.spec.in_chans) for one in own]
        if len({one and one.to_json() for one in read}) > 1:
            return None, f"{unknown}; the file holds {names}, and others of that kind"
        if read[0] is None:
            chans = found.spec.in_chans
            return None, f"{unknown}; the file holds {names}, which are not of {chans} channels on the scale 0 to 1"
        return read[0], f"as the file says ({names})"
    guessed = not found.stated and found.classified  # the number of classes helps to tell publishers apart
    publisher = find_publisher(found.mapping, found.spec) if guessed else None
    if publisher is None:
        return None, unknown
    return publisher.normalization, f"as {publisher.name} trains (the file does not say)"


def _origin(found: Recognized, normalization: str, name: str) -> Origin:
    return Origin(
        name,
        found.mapping,
        _in_words(found),
        found.unwrapped.opened,
        normalization,
        found.unwrapped.notes,
        dict(found.unwrapped.training),
    )


def _in_words(found: Recognized) -> str:
    spec = found.spec
    words = [spec.label, counted(spec.num_classes, "class") if found.classified else "no classifier"]
    if spec.in_chans != 3:
        words.append(counted(spec.in_chans, "input channel"))
    return ", ".join(words)
