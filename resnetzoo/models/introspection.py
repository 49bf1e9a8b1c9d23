"""What a network is now: since it was built, its user may have replaced layers or put wrappers around it."""

import warnings
from dataclasses import replace

from torch import nn

from resnetzoo.data.constants import INPUT_SIZE
from resnetzoo.data.normalization import Normalization
from resnetzoo.errors import UsageError
from resnetzoo.models.as_built import AsBuilt, hooks_on_outputs
from resnetzoo.models.cifar_net import CifarNet, without_values
from resnetzoo.models.pretrained import get_normalization
from resnetzoo.models.spec import ModelSpec
from resnetzoo.models.wrappers import held_network, innermost, is_graph
from resnetzoo.utils.modules import REMOVE_WHAT_COMPUTES, computed_weight
from resnetzoo.utils.text import counted


def class_names(model: CifarNet) -> tuple[str, ...] | None:
    """`model.classes`; None, with a warning, if there are more or fewer of them than logits.

    Warns:
        UserWarning: their number is not that of the logits.
    """
    known, count = model.classes, model.num_classes
    if known is None or count is None or count == len(known):
        return known
    if count:
        warnings.warn(
            f"{model.spec.label} now has a classifier of {counted(count, 'class')} but names of {len(known)}, "
            "which are left out: set model.classes to the names of the new classes, or to None if they have none",
            stacklevel=3,
        )
    return None


def known_normalization(model: nn.Module) -> Normalization | None:
    """The normalization that a network states it was trained with; None if it states none.

    Wrappers have that of the network inside them.

    Raises:
        UsageError: it states none, but the network that it was made from or contains may: it was scripted or traced,
            or is an unknown wrapper.
    """
    found = get_normalization(innermost(model)) or get_normalization(model)
    if found is not None:
        return found
    cure = "set its normalization"
    if is_graph(innermost(model)):
        raise UsageError(
            f"{type(model).__name__} is a scripted or traced network, which does not say how it was trained: {cure}, "
            "for example to that of the network that it was made from"
        )
    held = held_network(model)
    if held is not None and held[1].normalization is not None:
        name, network = held
        raise UsageError(
            f"{type(model).__name__} does not contain its input normalization, and computes more than the "
            f'{network.spec.label} inside it, which does: pass only that, model.get_submodule("{name}"), or set '
            "model.normalization"
        )
    return None


def image_shape(model: CifarNet) -> tuple[int, int]:
    """Height and width, in pixels, of the images that a network was trained on; those of CIFAR if it states none."""
    known = model.normalization
    return (INPUT_SIZE, INPUT_SIZE) if known is None else known.image_shape


def nearest_spec(model: CifarNet) -> ModelSpec:
    """`model.spec`, with as many classes and input channels as the network has now, whatever else was changed in it."""
    return replace(model.spec, num_classes=model.num_classes or model.spec.num_classes, in_chans=model.in_chans)


def current_spec(model: CifarNet) -> ModelSpec:
    """`nearest_spec`, if it describes the network: weights have its shapes, and modules compute what it says.

    Hooks do not count: they belong to a program, not to its network.

    Raises:
        UsageError: no spec describes it: it has lost its classifier or a stage, or has other layers, activations or
            settings of modules.
    """
    check_shapes(model)
    spec = nearest_spec(model)
    as_built = AsBuilt(model)
    for name in as_built.built:
        if words := as_built.other_kind(name) or as_built.other_settings(name):
            raise UsageError(
                f"the network is no longer a {spec.label}: {name or 'it'} {words}, which neither specs nor weights "
                "describe; model.spec is what was built, and torch.save keeps its state_dict(), for a network with the "
                "same change"
            )
    return spec


def check_shapes(model: CifarNet) -> None:
    """Refuse a network that has other weights than its spec says, or weights of other shapes.

    Raises:
        UsageError: it has; the message names one of them, and says what to do.
    """
    spec = nearest_spec(model)
    expected, found = _shapes(without_values(spec)), _shapes(model)
    differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if not differing:
        return
    cure = "torch.save keeps any state_dict()"
    if computed_weight(differing):
        cure = REMOVE_WHAT_COMPUTES
    elif all(name.startswith("fc.") for name in differing):
        cure = f"reset_classifier(num_classes) adds a classifier as built, and {cure}"
    raise UsageError(
        f"the network is no longer a whole {spec.label} of {spec.num_classes} classes: under {differing[0]} it has "
        f"{found.get(differing[0], 'nothing')}, its spec {expected.get(differing[0], 'nothing')}; {cure}"
    )


def stored_spec(model: CifarNet) -> ModelSpec:
    """`current_spec` of a network that will be written to a file of weights, which does not keep hooks.

    Warns:
        UserWarning: a module has a hook that may change what comes out of it.

    Raises:
        UsageError: as in `current_spec`.
    """
    spec = current_spec(model)
    if hooked := hooks_on_outputs(model):
        warnings.warn(
            f"{hooked[0] or 'the network'} has a hook on its forward pass, which no file of weights keeps: register it "
            "again after loading, if it changes what comes out",
            stacklevel=3,
        )
    return spec


def known_spec(model: nn.Module) -> ModelSpec | None:
    """`current_spec` of the network inside known wrappers; None if it is of others, or no spec describes it."""
    network = innermost(model)
    if not isinstance(network, CifarNet):
        return None
    try:
        return current_spec(network)
    except UsageError:
        return None


def _shapes(model: nn.Module) -> dict[str, list[int]]:
    """The shape of each entry of the state dict; empty if it is not a tensor, as in quantized networks."""
    return {name: list(getattr(value, "shape", [])) for name, value in model.state_dict().items()}
