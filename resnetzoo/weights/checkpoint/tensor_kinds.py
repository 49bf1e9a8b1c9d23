"""Tensors that are not plain, such as those of torchao or distributed ones, and how to convert them."""

from torch import Tensor, nn

_TORCHAO = (
    "weights that torchao has quantized ({}); save the network as it was before quantize_: "
    'torch.save(model.state_dict(), "network-weights.pt")'
)
_SPREAD = (
    "weights that are spread over several processes ({}); gather them where they were made, in every process: "
    "full = {{name: value.full_tensor() if hasattr(value, 'full_tensor') else value for name, value in "
    'model.state_dict().items()}}, and let one of them save: torch.save(full, "network-weights.pt")'
)


def tensor_kind(name: str) -> str | None:
    """What tensors of the type `name` (with its module) are and how to save plain ones; None for other types."""
    if name.startswith("torchao."):
        return _TORCHAO.format(name)
    if name.startswith("torch.distributed."):
        return _SPREAD.format(name)
    return None


def foreign_tensor(tensor: Tensor) -> str | None:
    """What kind of tensor this is; None for a plain one."""
    kind = type(tensor)
    if kind in (Tensor, nn.Parameter, nn.Buffer):
        return None
    name = f"{kind.__module__}.{kind.__qualname__}"
    return tensor_kind(name) or f"weights of the type {name}; save plain tensors instead"
