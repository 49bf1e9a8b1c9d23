"""Recognize the network of unwrapped weights: rename them to our names and find the spec."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from resnetzoo.errors import CheckpointError
from resnetzoo.models.cifar_net import without_values
from resnetzoo.models.spec import Family, ModelSpec
from resnetzoo.weights.checkpoint.absorb_biases import absorb_biases
from resnetzoo.weights.checkpoint.build import CLASSIFIER, differing_names
from resnetzoo.weights.checkpoint.infer_spec import Shapes, check_family, has_classifier, infer_spec, is_also_plain
from resnetzoo.weights.checkpoint.key_mapping import RESNETZOO, KeyMapping, find_mapping, remap_keys
from resnetzoo.weights.checkpoint.load_warnings import hint_in_name, notes_on_strides
from resnetzoo.weights.checkpoint.stated_names import settle_family
from resnetzoo.weights.checkpoint.unsupported import only_computed, unsupported_by_names, unsupported_by_shapes
from resnetzoo.weights.checkpoint.unwrap import Unwrapped


class Recognized(NamedTuple):
    """Weights together with the network that they belong to.

    Attributes:
        unwrapped: the weights, under our names, and what their file says about them.
        mapping: name of the `KeyMapping` that their names needed.
        spec: spec of the network.
        warnings: what the user should know, one sentence each.
        classified: whether the weights have a classifier.
    """

    unwrapped: Unwrapped
    mapping: str
    spec: ModelSpec
    warnings: tuple[str, ...] = ()
    classified: bool = True

    @property
    def stated(self) -> bool:
        """Whether the file itself states the network."""
        return self.unwrapped.metadata.spec is not None


def first_network(candidates: Sequence[Unwrapped]) -> Unwrapped:
    """The first reading of a file's weights that gives a complete network, or else the last one."""
    *candidates, last = candidates
    return next((candidate for candidate in candidates if _is_whole_network(candidate.weights)), last)


def recognize(unwrapped: Unwrapped, file: Path | None, family: Family | None = None) -> Recognized:
    """The network of the weights: as stated by their file, or else inferred from names and shapes.

    Args:
        unwrapped: the weights.
        file: the file that held them, whose name may say something; None if there is no file.
        family: the requested family, as in `load_checkpoint`.

    Raises:
        CheckpointError: the network is not one of this package, is of another family, or is not what its file calls it.
        UsageError: there is no such family.
    """
    stated = unwrapped.metadata.spec
    if stated is not None:
        check_family(stated, family)
        return Recognized(unwrapped, RESNETZOO.name, stated)
    _refuse(unsupported_by_names(unwrapped.weights), file)
    if computed := only_computed(unwrapped.weights):
        raise CheckpointError(computed)
    mapping = find_mapping(unwrapped.weights, unwrapped.training)
    remapped = remap_keys(mapping, unwrapped.weights)
    shapes = _shapes(remapped)
    _refuse(unsupported_by_shapes(shapes), file)
    spec, said, wrong = settle_family(_inferred(mapping, shapes), unwrapped.stated, family)
    if spec.projection_input == "raw" and spec.shortcut != "identity":
        said.append(
            f"its projections take the input of their block itself, as {mapping.name}'s do; other networks with the "
            "same shapes take the activated input"
        )
    said += notes_on_strides(spec, mapping.name)
    weights = absorb_biases(spec, remapped)
    if len(weights) < len(remapped):
        said.append(
            "the means of its norms have taken up the biases of its convolutions, with which it computes the same"
        )
    if mapping.name == "torchvision" and is_also_plain(spec) and family is None and not said:
        said = [f'plainnet{spec.depth} has the same names and shapes: family="plain" loads it as that']
    renamed = unwrapped._replace(weights=weights, notes=(*unwrapped.notes, *said))
    classified = has_classifier(shapes)
    if not classified:
        wrong.append(
            "it has no classifier, fc.weight: the network returns its pooled features; "
            "model.reset_classifier(num_classes) gives it a fresh one"
        )
    return Recognized(renamed, mapping.name, spec, (*unwrapped.doubts, *wrong), classified)


def _is_whole_network(weights: dict[str, Tensor]) -> bool:
    """Whether these are exactly the names of a network of this package."""
    try:
        mapping = find_mapping(weights)
        remapped = remap_keys(mapping, weights)
        shapes = _shapes(remapped)
        spec = _inferred(mapping, shapes)
        missing, surplus = differing_names(without_values(spec).state_dict(), absorb_biases(spec, remapped))
        return not surplus and (not missing or (missing == CLASSIFIER and not has_classifier(shapes)))
    except CheckpointError:
        return False


def _inferred(mapping: KeyMapping, shapes: Shapes) -> ModelSpec:
    """The spec of weights under our names, with the order of norms and strides that their layout implies."""
    return mapping.computes(infer_spec(shapes, last_norm=mapping.last_norm))


def _shapes(weights: dict[str, Tensor]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}


def _refuse(unsupported: str | None, file: Path | None) -> None:
    if unsupported is not None:
        hint = hint_in_name(file) if file else None
        named = f", not the {hint} that its name says" if hint else ""
        raise CheckpointError(
            f"it is {unsupported}{named}; resnetzoo has ResNets, Wide ResNets and ResNeXts for small images: a 3x3 "
            'stem, no max-pooling, one width per stage ("resnetzoo list")'
        )
