"""What a network is now: its layers may have been changed by hand since it was built from its spec."""

from dataclasses import replace

from torch import nn

from resnetzoo.errors import UsageError
from resnetzoo.models.cifar_net import CifarNet, without_values
from resnetzoo.models.spec import ModelSpec


def class_count(model: CifarNet) -> int | None:
    """Length of the logits, also of a classifier put in by hand: `model.fc = nn.Linear(64, 7)` is usual elsewhere.

    0 without a classifier; None where the classifier does not say it.
    """
    if isinstance(model.fc, nn.Identity):
        return 0
    length: int | None = getattr(model.fc, "out_features", None)
    return length


def class_names(model: CifarNet) -> tuple[str, ...] | None:
    """`model.classes`, as long as they are as many as the logits."""
    known = model.classes
    return known if known is not None and len(known) == class_count(model) else None


def current_spec(model: CifarNet) -> ModelSpec:
    """`model.spec`, with as many classes as the network has now.

    Raises:
        UsageError: it is that of no spec: it has lost its classifier or a stage, or has other layers or activations.
    """
    spec = replace(model.spec, num_classes=class_count(model) or model.spec.num_classes)
    expected, found = _shapes(without_values(spec)), _shapes(model)
    differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if differing:
        cure = "torch.save keeps any state_dict()"
        if all(name.startswith("fc.") for name in differing):
            cure = "reset_classifier(num_classes) gives it a classifier"
        raise UsageError(
            f"the network is no longer a whole {spec.label} of {spec.num_classes} classes: under {differing[0]} it has "
            f"{found.get(differing[0], 'nothing')}, its spec {expected.get(differing[0], 'nothing')}; {cure}"
        )
    if changed := changed_activation(model):
        raise UsageError(
            f"the network is no longer a {spec.label}: {changed}; torch.save keeps its state_dict(), which "
            "says nothing of activations: put yours in again after loading"
        )
    return spec


def changed_activation(model: CifarNet) -> str | None:
    """Which activation has been replaced by hand, and by what, in words; None where all are as built, `nn.ReLU`.

    State dicts do not show it: an activation has no weights.
    """
    modules = dict(model.named_modules())
    for name, built in without_values(model.spec).named_modules():
        if isinstance(built, nn.ReLU) and type(modules.get(name)) is not nn.ReLU:
            found = type(modules[name]).__name__ if name in modules else "missing"
            return f"{name} is {found}, in its spec ReLU"
    return None


def known_spec(model: nn.Module) -> ModelSpec | None:
    """`current_spec`; None for networks of no spec, from elsewhere or changed by hand. Wrappers say what is in them."""
    if not isinstance(model, CifarNet):
        found = getattr(model, "spec", None)
        return found if isinstance(found, ModelSpec) else None
    try:
        return current_spec(model)
    except UsageError:
        return None


def _shapes(model: nn.Module) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
