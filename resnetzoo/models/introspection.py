"""What a network is now: since it was built, layers may have been replaced by hand and wrappers put around it."""

import warnings
from dataclasses import replace

from torch import nn

from resnetzoo.data.normalization import Normalization
from resnetzoo.errors import UsageError
from resnetzoo.models.as_built import AsBuilt, hooks_on_outputs
from resnetzoo.models.cifar_net import CifarNet, without_values
from resnetzoo.models.pretrained import get_normalization
from resnetzoo.models.spec import ModelSpec
from resnetzoo.models.wrappers import held_network, innermost, is_graph


def class_names(model: CifarNet) -> tuple[str, ...] | None:
    """`model.classes`, unless they are more or fewer than the logits: then none, with a warning.

    Warns:
        UserWarning: their number is not that of the logits.
    """
    known, count = model.classes, model.num_classes
    if known is None or count is None or count == len(known):
        return known
    if count:
        warnings.warn(
            f"{model.spec.label} now has a classifier of {count} classes but names of {len(known)}, which are left "
            "out: set model.classes to the names of the new classes, or to None if they have none",
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


def current_spec(model: CifarNet) -> ModelSpec:
    """`model.spec`, with as many classes and input channels as the network has now.

    Raises:
        UsageError: no spec describes it: it has lost its classifier or a stage, or has other layers or activations.
    """
    spec = replace(model.spec, num_classes=model.num_classes or model.spec.num_classes, in_chans=model.in_chans)
    expected, found = _shapes(without_values(spec)), _shapes(model)
    differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if differing:
        cure = "torch.save keeps any state_dict()"
        if any(name.endswith(("_orig", "_g", "_v")) or ".parametrizations." in name for name in differing):
            cure = (
                "remove what computes weights with torch.nn.utils.prune.remove, parametrize.remove_parametrizations, "
                "remove_weight_norm or remove_spectral_norm, which keep its values"
            )
        elif all(name.startswith("fc.") for name in differing):
            cure = f"reset_classifier(num_classes) adds a classifier as built, and {cure}"
        raise UsageError(
            f"the network is no longer a whole {spec.label} of {spec.num_classes} classes: under {differing[0]} it has "
            f"{found.get(differing[0], 'nothing')}, its spec {expected.get(differing[0], 'nothing')}; {cure}"
        )
    if changed := changed_activation(model):
        raise UsageError(
            f"the network is no longer a {spec.label}: {changed}; torch.save keeps its state_dict(), which "
            "does not contain activations: put yours in again after loading"
        )
    return spec


def changed_activation(model: CifarNet) -> str | None:
    """Which activation has been replaced by hand, and by what, in words; None where all are as built, `nn.ReLU`.

    State dicts do not show it: an activation has no weights.
    """
    modules = dict(model.named_modules(remove_duplicate=False))
    for name, built in without_values(model.spec).named_modules():
        if isinstance(built, nn.ReLU) and type(modules.get(name)) is not nn.ReLU:
            found = type(modules[name]).__name__ if name in modules else "missing"
            return f"{name} is {found}, in its spec ReLU"
    return None


def stored_spec(model: CifarNet) -> ModelSpec:
    """`current_spec`, of a network that weights alone make again: all of its modules compute what was built.

    Hooks do not count: they belong to a program, not to its network, and a warning says that they are not kept.

    Warns:
        UserWarning: a module has a hook that may change what comes out of it.

    Raises:
        UsageError: it has other classes or settings of modules, or is of no spec.
    """
    spec = current_spec(model)
    as_built = AsBuilt(model)
    for name in as_built.built:
        if isinstance(as_built.found[name], nn.SyncBatchNorm):  # in evaluation the norm that it was made of
            continue
        if words := as_built.other_kind(name) or as_built.other_settings(name):
            raise UsageError(
                f"the network is no longer a {spec.label}: {name or 'it'} {words}; torch.save keeps its state_dict(), "
                "which does not contain this change: make it again after loading"
            )
    if hooked := hooks_on_outputs(model):
        warnings.warn(
            f"{hooked[0] or 'the network'} has a hook on its forward pass, which no file of weights keeps: register it "
            "again after loading, if it changes what comes out",
            stacklevel=3,
        )
    return spec


def known_spec(model: nn.Module) -> ModelSpec | None:
    """`current_spec` of the network inside known wrappers; None of one from elsewhere, or of no spec any more."""
    network = innermost(model)
    if not isinstance(network, CifarNet):
        return None
    try:
        return current_spec(network)
    except UsageError:
        return None


def _shapes(model: nn.Module) -> dict[str, list[int]]:
    """Of each tensor in its state dict; what is none, as in quantized networks, has an empty one."""
    return {name: list(getattr(value, "shape", [])) for name, value in model.state_dict().items()}
