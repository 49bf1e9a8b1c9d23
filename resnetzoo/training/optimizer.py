"""SGD with a recipe's settings, and a learning rate that a recorded step can read."""

from typing import Any

import torch
from torch import Tensor, nn

from resnetzoo.training.recipes import Recipe


def make_optimizer(model: nn.Module, recipe: Recipe, device: torch.device, *, lr_on_device: bool) -> torch.optim.SGD:
    """SGD that updates a group of parameters in one operation; `lr` can be a tensor on the device.

    There is one group; if norms and biases do not decay, they form a second one. Weights that get their first gradient
    in a later step, such as those of a layer that a callback unfreezes, learn from that step on.
    """
    fused = device.type in ("cpu", "cuda") and not any(parameter.is_complex() for parameter in model.parameters())
    optimizer = torch.optim.SGD(
        _groups(model, recipe),
        lr=torch.tensor(recipe.lr, dtype=torch.float32, device=device) if lr_on_device else recipe.lr,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        fused=fused,
    )
    if fused and recipe.momentum:
        optimizer.register_step_pre_hook(_make_missing_momentum)
    return optimizer


def _make_missing_momentum(optimizer: torch.optim.Optimizer, *_: object) -> None:
    """Give zeros as momentum to weights with a first gradient, if others of their group have momentum already.

    Fused SGD makes the momentum of a whole group or of none. Without dampening, zeros give the same as the first
    momentum of unfused SGD, which is the gradient.
    """
    if len(optimizer.state) == sum(len(group["params"]) for group in optimizer.param_groups):
        return  # as in nearly every step
    for group in optimizer.param_groups:
        learning = [parameter for parameter in group["params"] if parameter.grad is not None]
        missing = [parameter for parameter in learning if optimizer.state[parameter].get("momentum_buffer") is None]
        if len(missing) < len(learning):
            for parameter in missing:
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter.grad)


def _groups(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    parameters = list(model.parameters())
    if recipe.decay_norms_and_biases:
        return [{"params": parameters}]
    groups: list[dict[str, Any]] = [
        {"params": [parameter for parameter in parameters if parameter.dim() > 1]},
        {"params": [parameter for parameter in parameters if parameter.dim() <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def set_lr(optimizer: torch.optim.SGD, lr: float) -> None:
    """Set the learning rate; a tensor is overwritten in place, since a CUDA graph reads it by its address."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr


def clip_gradients(optimizer: torch.optim.SGD, norm: float) -> None:
    """Scale all gradients down together if their total norm is larger than `norm`; nothing waits for the device."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    nn.utils.clip_grad_norm_(parameters, norm, foreach=True if parameters[0].device.type in ("cpu", "cuda") else None)


def load_momentum(optimizer: torch.optim.SGD, state: dict[str, Any]) -> None:
    """Load the momentum of a state dict; the settings stay the recipe's, and `lr` stays the same tensor."""
    own = optimizer.state_dict()["param_groups"]
    lrs = [group["lr"] for group in optimizer.param_groups]
    optimizer.load_state_dict({"state": state["state"], "param_groups": own})
    for group, lr in zip(optimizer.param_groups, lrs, strict=True):
        group["lr"] = lr
