"""Build a network from its spec and its weights, and check every weight."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from resnetzoo.errors import CheckpointError
from resnetzoo.models.cifar_net import CifarNet, without_values
from resnetzoo.models.spec import ModelSpec

_COUNTER = "num_batches_tracked"  # of each norm; old files lack it, and no network here computes with it
CLASSIFIER = ["fc.bias", "fc.weight"]
_COUNTS = (_COUNTER, "total_ops", "total_params")  # the latter two are left in every module by thop's profile()


def build_network(spec: ModelSpec, weights: Mapping[str, Tensor]) -> CifarNet:
    """The network of `spec` with these weights, copied as float32, in evaluation mode on the CPU.

    Torch's random state stays as it is.

    Raises:
        CheckpointError: a weight is missing, unexpected, of another shape or kind, or not finite; the message names it.
    """
    return _with_weights(without_values(spec), spec, weights)


def build_backbone(spec: ModelSpec, weights: Mapping[str, Tensor]) -> CifarNet:
    """The network of `spec` without its classifier: images -> pooled features (N, num_features).

    Raises:
        CheckpointError: as in `build_network`.
    """
    model = without_values(spec)
    model.reset_classifier(0)
    return _with_weights(model, spec, weights)


def _with_weights(model: CifarNet, spec: ModelSpec, weights: Mapping[str, Tensor]) -> CifarNet:
    expected = model.state_dict()
    _check_names(spec, expected, weights)
    state = {
        name: _counter(weights.get(name)) if name.endswith(_COUNTER) else _copy(spec, name, weights[name], tensor.shape)
        for name, tensor in expected.items()
    }
    model.load_state_dict(state, assign=True)
    return model.eval()


def differing_names(expected: Iterable[str], found: Iterable[str]) -> tuple[list[str], list[str]]:
    """The names that are missing in `found` and those that are unexpected in it, ignoring batch counters."""
    ours, theirs = ({name for name in names if name.split(".")[-1] not in _COUNTS} for names in (expected, found))
    return sorted(ours - theirs), sorted(theirs - ours)


def _check_names(spec: ModelSpec, expected: Iterable[str], found: Iterable[str]) -> None:
    missing, surplus = differing_names(expected, found)
    problems = [
        f"{what} {names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}"
        for what, names in (("lacks", missing), ("has an unexpected", surplus))
        if names
    ]
    if problems:
        raise CheckpointError(f"its names and shapes are those of {spec.label}, but it {' and '.join(problems)}")


def _counter(found: Tensor | None) -> Tensor:
    whole = found is not None and not found.is_meta and found.dtype == torch.int64 and found.numel() == 1
    return torch.tensor(int(found) if found is not None and whole else 0, device="cpu")


def _copy(spec: ModelSpec, name: str, found: Tensor, shape: torch.Size) -> Tensor:
    """Convert `found` to float32 on the CPU.

    Raises:
        CheckpointError: its shape is not `shape`, or it holds anything but finite numbers.
    """
    if found.shape != shape:
        raise CheckpointError(f"{name} has the shape {list(found.shape)}, where {spec.label} has {list(shape)}")
    if words := _fault(name, found):
        raise CheckpointError(words)
    return found.detach().to("cpu", torch.float32, copy=True).contiguous()


def fault_of(weights: Mapping[str, Tensor]) -> str | None:
    """Why no network accepts the values of these weights: the first fault, in words; None if they have none."""
    every = (_fault(name, found) for name, found in weights.items() if not name.endswith(_COUNTER))
    return next((words for words in every if words is not None), None)


def _fault(name: str, found: Tensor) -> str | None:
    """What in a tensor cannot be converted to finite float32 numbers, in words; None if nothing."""
    if not found.is_floating_point() or found.layout != torch.strided or found.is_meta:
        form = "without values" if found.is_meta else f"{found.dtype}, {found.layout}"
        return f"{name} is {form}, not a dense tensor of floats; save the weights as they were before any quantization"
    nonfinite = found.numel() - int(found.detach().to("cpu", torch.float32).isfinite().sum())
    if nonfinite:
        verb = "is" if nonfinite == 1 else "are"
        return (
            f"{nonfinite:,} of the {found.numel():,} numbers of {name} {verb} NaN or infinite: the training diverged; "
            "take the checkpoint of an earlier epoch"
        )
    return None
