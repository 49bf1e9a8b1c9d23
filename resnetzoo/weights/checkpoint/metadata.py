"""What a file of this package says about its network: strings by key, parsed once.

The metadata of safetensors and of the other exports hold strings. All but the last of these are JSON:

- `spec`: the values of `ModelSpec.to_dict()`.
- `normalization`: {"kind", "mean", "std", "size"}, where mean is a nested list of shape (C, H, W) or (C, 1, 1), std one
  of shape (C, 1, 1), and size the side of the training images in pixels, or null; older files lack it. If the images
  were not square and the mean does not show it, "shape" holds their height and width.
- `classes`: a list of the class names.
- `weights`: the row, as the values of `Weights.to_dict()`.
- `weights_fingerprint`: the `fingerprint_of` the weights that the row describes.
"""

from collections.abc import Mapping
from typing import NamedTuple

from resnetzoo.data.normalization import Normalization
from resnetzoo.errors import CheckpointError, UsageError
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.fingerprint import true_row
from resnetzoo.models.introspection import class_names, current_spec
from resnetzoo.models.pretrained import Pretrained, Weights
from resnetzoo.models.spec import ModelSpec
from resnetzoo.utils.strict_json import from_json, to_json
from resnetzoo.utils.text import counted


class StoredRow(NamedTuple):
    """A row of weights as stored in a file, parsed only after the weights are known to be those it describes.

    Attributes:
        text: the row in JSON.
        fingerprint: the `fingerprint_of` the weights that it was written with.
    """

    text: str
    fingerprint: str

    def parse(self) -> Weights:
        """The row.

        Raises:
            CheckpointError: it cannot be read.
        """
        try:
            return Weights.from_dict(from_json(self.text))
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"the row of weights in its metadata cannot be read: {error}") from error


class Metadata(NamedTuple):
    """What a file says about its network.

    Attributes:
        spec: what the network is; None if the file does not say it, as with files of others.
        pretrained: what is known about its weights, except for their origin, which is the file itself, and their row.
        row: the row of weights, which may describe other weights than the file holds by now; None if there is none.
    """

    spec: ModelSpec | None
    pretrained: Pretrained
    row: StoredRow | None = None


NO_METADATA = Metadata(None, Pretrained())


def parse_metadata(texts: Mapping[str, str], spec: ModelSpec | None = None) -> Metadata:
    """Parse the metadata strings of a file.

    Texts without a spec come from others and are ignored, unless `spec` is known from elsewhere.

    Raises:
        CheckpointError: a part of it cannot be read.
    """
    if spec is None:
        if "spec" not in texts:
            return NO_METADATA
        spec = parse_spec(_json(texts, "spec"))
    return Metadata(spec, Pretrained(_normalization(texts), _classes(texts, spec)), _row(texts))


def parse_spec(values: object) -> ModelSpec:
    """The spec that is stored in a file of this package.

    Raises:
        CheckpointError: it is not a spec, or is one of another version.
    """
    try:
        return ModelSpec.from_dict(values)  # type: ignore[arg-type]
    except (KeyError, TypeError, UsageError) as error:
        raise CheckpointError(f"this version of resnetzoo cannot read its spec: {values!r} ({error})") from error


def metadata_texts(model: CifarNet) -> dict[str, str]:
    """The metadata to store about a network: its spec and, if known, normalization, classes and row of weights.

    Raises:
        UsageError: no spec describes the network.
    """
    return texts_with(current_spec(model), model)


def texts_with(spec: ModelSpec | None, model: CifarNet) -> dict[str, str]:
    """The same if the spec is known already; None leaves it out, for a network that no spec describes."""
    texts = {} if spec is None else {"spec": to_json(spec.to_dict())}
    if model.normalization is not None:
        texts["normalization"] = model.normalization.to_json()
    classes, row = class_names(model), true_row(model)
    if classes is not None:
        texts["classes"] = to_json(classes)
    if row is not None:
        texts |= {"weights": to_json(row.to_dict()), "weights_fingerprint": str(model.pretrained.fingerprint)}
    return texts


def _normalization(texts: Mapping[str, str]) -> Normalization | None:
    if "normalization" not in texts:
        return None
    values = _json(texts, "normalization")
    try:
        return Normalization.from_stored(values)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"the normalization in its metadata cannot be read: {error}") from error


def _classes(texts: Mapping[str, str], spec: ModelSpec) -> tuple[str, ...] | None:
    if "classes" not in texts:
        return None
    names = _json(texts, "classes")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CheckpointError(f"the classes in its metadata are not a list of names: {names!r}")
    if len(names) != spec.num_classes:
        raise CheckpointError(f"its metadata names {counted(len(names), 'class')} for a network of {spec.num_classes}")
    return tuple(names)


def _row(texts: Mapping[str, str]) -> StoredRow | None:
    if not {"weights", "weights_fingerprint"} <= texts.keys():
        return None
    return StoredRow(texts["weights"], texts["weights_fingerprint"])


def _json(texts: Mapping[str, str], key: str) -> object:
    try:
        return from_json(texts[key])
    except ValueError as error:
        raise CheckpointError(f"the {key} in its metadata is not valid JSON: {error}") from error
