"""Check before the first step that the processes sharing a run were all started for the same run."""

import reprlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from resnetzoo.data.pair import Data
from resnetzoo.errors import UsageError
from resnetzoo.models.introspection import known_spec
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.starting_point import StartingPoint
from resnetzoo.utils.nested import flatten
from resnetzoo.utils.provenance import code_digest
from resnetzoo.utils.text import short_fingerprint, some
from resnetzoo.version import __version__

_SHOWN = 3
_DIGITS = 12  # how many digits of a SHA-256 are compared and shown


def check_same(context: DistributedContext, own: Mapping[str, Any]) -> None:
    """Compare plain values between the processes; the message names a nested value by its path, `data.fingerprint`.

    Raises:
        UsageError: they differ; the message names the difference, and all processes raise it.
    """
    told = [flatten(values) for values in context.all_gather(dict(own))]
    differing = list(_differences(told))
    if differing:
        more = f"; and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        raise UsageError(
            f"the {context.world_size} processes were not started for the same run: {'; '.join(differing[:_SHOWN])}"
            f"{more}. Start all of them with the same arguments, data and software"
        )


def _differences(told: list[dict[str, Any]]) -> Iterator[str]:
    """The differences in the order of the first process's fields, each with the first process that differs from it."""
    for key in dict.fromkeys(key for values in told for key in values):
        first = told[0].get(key)
        for rank, values in enumerate(told):
            if values.get(key) != first:
                yield f"{key} is {reprlib.repr(first)} in process 0, {reprlib.repr(values.get(key))} in process {rank}"
                break


def description_of(
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
    precision: str,
    compile: bool | None,  # noqa: A002 (torch's own word)
    record: bool | None,
    keeps_files: bool,
    extend_to: int | None = None,
) -> dict[str, Any]:
    """Everything that must agree for processes to share a run, as plain values, including a digest of the code.

    The values of the weights are not included; see `say_other_weights`.
    """
    spec = known_spec(model)
    return {
        "torch": torch.__version__,
        "resnetzoo": {"version": __version__, "code": code_digest()[:_DIGITS]},
        "network": {
            **({"class": type(model).__name__} if spec is None else spec.to_dict()),
            **{name: _weight(parameter) for name, parameter in model.named_parameters()},
            **{name: list(buffer.shape) for name, buffer in model.named_buffers()},
        },
        "data": {
            "name": data.name,
            "part": data.part,
            "train_images": len(data.train),
            "test_images": len(data.test),
            "size": list(data.train.images.shape[1:]),
            "classes": list(data.classes),
            "fingerprint": short_fingerprint(data.fingerprint),
        },
        "recipe": recipe.to_dict(),
        "seed": seed,
        "device": device.type,
        "precision": precision,
        "compile": compile,
        "record": record,
        "out": "a folder" if keeps_files else None,
        "extend_to": extend_to,
    }


def say_other_weights(context: DistributedContext, model: nn.Module) -> None:
    """Let the first process warn if another one has other weights; all processes start with those of the first one.

    This is not an error, since scripts often let each process create its own network, and the first one's weights are
    used in any case.
    """
    own = StartingPoint.of(model)
    told = context.all_gather(own.weights)
    others = [str(rank) for rank, weights in enumerate(told) if not StartingPoint(told[0], ()).has_weights(weights)]
    if others and context.is_main:
        warnings.warn(
            f"{'process' if len(others) == 1 else 'processes'} {some(others)} of {context.world_size} came with other "
            "weights than process 0: all of them begin with those of process 0. Make or load the network from the same "
            "seed or file in each",
            stacklevel=4,
        )


def _weight(parameter: nn.Parameter) -> str:
    return f"{list(parameter.shape)}{'' if parameter.requires_grad else ', frozen'}"
