"""The starting point of a run: its weights, summarized in a few numbers, and which of them are frozen."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

STARTING_POINT = "starting_point"
"""The key of the starting point in the identity of a run."""

_TOLERANCE = 1e-4
"""How far the numbers of two runs may be apart. Weights drawn from one seed differ in their last bits from one kind of
CPU to the next, which moves a number by 1e-7 per tensor; different weights move it by 0.1 per tensor."""

_PROJECTIONS = tuple(math.sqrt(prime) % 1 for prime in (2, 3, 5))


@dataclass(frozen=True)
class StartingPoint:
    """What distinguishes a run from another one with the same network, recipe, seed and data.

    Attributes:
        weights: fingerprint of the initial values, as `fingerprint_weights` computes it.
        frozen: names of the parameters that do not learn.
        settings: unusual settings of norms and dropouts that the weights do not show, such as `bn1.momentum=0.01`; None
            in files of earlier versions, which did not store them.
    """

    weights: tuple[float, ...]
    frozen: tuple[str, ...]
    settings: tuple[str, ...] | None = None

    @classmethod
    def of(cls, model: "nn.Module") -> "StartingPoint":
        """The starting point of a network before its first step."""
        frozen = (name for name, parameter in model.named_parameters() if not parameter.requires_grad)
        return cls(fingerprint_weights(model.state_dict()), tuple(frozen), tuple(_training_settings(model)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "StartingPoint":
        """The starting point that `to_dict` described."""
        settings = values.get("settings")
        return cls(tuple(values["weights"]), tuple(values["frozen"]), None if settings is None else tuple(settings))

    @classmethod
    def in_identity(cls, identity: Mapping[str, Any]) -> "StartingPoint | None":
        """The starting point of the run with this identity; None for a run of an earlier version."""
        return cls.from_dict(identity[STARTING_POINT]) if STARTING_POINT in identity else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        values = {"weights": list(self.weights), "frozen": list(self.frozen)}
        return values if self.settings is None else {**values, "settings": list(self.settings)}

    def has_weights(self, fingerprint: tuple[float, ...]) -> bool:
        """Whether this is the fingerprint of its weights, up to differences in their last bits."""
        return len(fingerprint) == len(self.weights) and all(
            math.isclose(one, other, rel_tol=0, abs_tol=_TOLERANCE)
            for one, other in zip(self.weights, fingerprint, strict=True)
        )


def _training_settings(model: "nn.Module") -> Iterator[str]:
    """Each norm's `momentum` if it is not 0.1, and each dropout's `p` if it is not 0: `bn1.momentum=0.01`."""
    for name, module in model.named_modules():
        for setting, usual in (("momentum", 0.1), ("p", 0)):
            value = getattr(module, setting, usual)
            if isinstance(value, int | float | None) and value != usual:
                yield f"{name}.{setting}={value}"


def fingerprint_weights(state: Mapping[str, object]) -> tuple[float, ...]:
    """Four numbers for a state dict: three projections of its tensors' directions, and the sum of their log2 norms.

    It is not a digest, since the last bits of fresh weights depend on the machine that drew them. The counters of norms
    are left out, since nothing is computed with them.
    """
    import torch

    totals, begin = [0.0] * (len(_PROJECTIONS) + 1), 0
    for values in _flat_tensors(state):
        places = torch.arange(begin + 1, begin + 1 + len(values), dtype=torch.float64, device="cpu")
        begin += len(values)
        norm = float(values.norm())
        if norm == 0:
            continue
        for number, step in enumerate(_PROJECTIONS):
            directions = (places * step).frac_().mul_(2).sub_(1)  # spread evenly over -1 to 1 (Weyl, 1916)
            totals[number] += float(directions @ values) / norm
        totals[-1] += math.log2(norm)
    return tuple(round(total, 6) for total in totals)


def _flat_tensors(state: Mapping[str, object]) -> "Iterator[Tensor]":
    """The tensors in the order of their names, each as float64 (n,) on the CPU."""
    import torch
    from torch import Tensor

    for name, tensor in sorted(state.items()):
        if isinstance(tensor, Tensor) and not name.endswith("num_batches_tracked"):
            values = tensor.detach().to("cpu").to_dense() if tensor.layout != torch.strided else tensor.detach().cpu()
            values = torch.view_as_real(values.resolve_conj()) if values.is_complex() else values
            yield values.to(torch.float64).flatten()
