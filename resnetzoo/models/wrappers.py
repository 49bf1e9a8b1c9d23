"""Find the network inside the wrappers around it, for every function that accepts a network.

Known are `nn.DataParallel`, `DistributedDataParallel`, what `torch.compile` returns, `AveragedModel`, and an
`nn.Sequential` of one module, in any order. All of them return what the module inside returns.
"""

import sys
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from resnetzoo.errors import UsageError
from resnetzoo.models.as_built import hook_on
from resnetzoo.models.cifar_net import CifarNet


class FixedCode(nn.Module):
    """A module made from a network with its code and weights fixed, which no longer stands for that network."""


_WITH_MODULE = (nn.DataParallel, DistributedDataParallel, AveragedModel)


def innermost(model: nn.Module) -> nn.Module:
    """The module inside all known wrappers; `model` itself if it is not a wrapper.

    Raises:
        UsageError: `model` is not a network, but for example a name or a state dict.
    """
    if not isinstance(model, nn.Module):
        found: object = model
        words = f"the class {found.__name__}" if isinstance(found, type) else f"{type(found).__name__}"
        raise UsageError(
            f"expected a network, an nn.Module as create and load_checkpoint return, not {words}; build one from a "
            "name or a state dict with create(name) and load_state_dict, and wrap a function in a module that calls it"
        )
    while (inside := _inside(model)) is not None:
        model = inside
    return model


def network_in(model: nn.Module) -> nn.Module:
    """The network of this package inside known wrappers; `model` itself if there is none.

    Raises:
        UsageError: a wrapper has a hook, which would be lost.
    """
    found = innermost(model)
    if not isinstance(found, CifarNet):
        return model
    outside: nn.Module | None = model
    while outside is not None and outside is not found:
        if words := hook_on(outside):
            raise UsageError(
                f"the {type(outside).__name__} around {found.spec.label} {words}, which the network itself does not "
                "have: remove it, or register it on the network"
            )
        outside = _inside(outside)
    return found


def zoo_network(model: nn.Module, taker: str) -> CifarNet:
    """The network of this package that `model` is, or that known wrappers hold.

    Args:
        model: the module that the user passed.
        taker: name of the calling function, for the message, such as `optimize`.

    Raises:
        UsageError: there is no such network; or other modules, or hooks, are around it, so that `model` computes
            something else; or several processes share it.
    """
    network = network_in(model)
    if isinstance(network, CifarNet):
        _check_whole(network, taker)
        return network
    words = f"{taker} takes a network of resnetzoo, as create and load_checkpoint return, not {type(model).__name__}"
    fixed = {part for module in model.modules() if isinstance(module, FixedCode) for part in module.modules()}
    for name, inner in _networks_in(model):
        if inner not in fixed:
            raise UsageError(
                f"{words}, which computes more than the {inner.spec.label} in it: "
                f'pass only that, model.get_submodule("{name}")'
            )
    if is_graph(innermost(model)) or fixed:
        raise UsageError(f"{words}, whose code is fixed: pass the network that it was made from")
    raise UsageError(words)


def _check_whole(network: CifarNet, taker: str) -> None:
    """Refuse a network that `replicate` or `fully_shard` has changed: its class is another, and it cannot be copied."""
    sharing = next((kind for kind in type(network).__mro__ if kind.__module__.startswith("torch.distributed.")), None)
    if sharing is not None:
        raise UsageError(
            f"{taker} takes a network of one process, but {network.spec.label} is a {sharing.__name__} of "
            f"{sharing.__module__}: load its whole state dict into create(...), and pass that"
        )


def held_network(model: nn.Module) -> tuple[str, CifarNet] | None:
    """The first network of this package in `model`, with its name there; None if there is none."""
    return next(_networks_in(model), None)


def _networks_in(model: nn.Module) -> Iterator[tuple[str, CifarNet]]:
    return ((name, module) for name, module in model.named_modules() if isinstance(module, CifarNet))


def is_graph(model: nn.Module) -> bool:
    """Whether it was scripted or traced: such a copy computes the same as the network, but says nothing about it."""
    return isinstance(model, torch.jit.ScriptModule | torch.fx.GraphModule)


def is_exported(model: nn.Module) -> bool:
    """Whether it is a program of `torch.export`, which stays in the mode in which it was exported."""
    if not isinstance(model, torch.fx.GraphModule):
        return False
    try:
        model.train(model.training)
    except NotImplementedError:
        return True
    return False


def _inside(model: nn.Module) -> nn.Module | None:
    """The module inside a known wrapper; None for any other module, or a subclass that computes something else."""
    # If a module was compiled, torch's compiler is loaded; importing it only to ask would take seconds.
    compiler = sys.modules.get("torch._dynamo.eval_frame")
    if compiler is not None and isinstance(model, compiler.OptimizedModule):
        inside: nn.Module = model._orig_mod
        return inside
    if "forward" in vars(model):
        return None
    for kind in _WITH_MODULE:
        if isinstance(model, kind):
            return model.module if type(model).forward is kind.forward else None
    if isinstance(model, nn.Sequential) and type(model).forward is nn.Sequential.forward and len(model) == 1:
        return model[0]
    return None
