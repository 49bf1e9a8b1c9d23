"""A network's weights as a file of safetensors that says what it is."""

from pathlib import Path
from typing import Literal

from resnetzoo.errors import UsageError
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.utils.files import write_atomically
from resnetzoo.weights.checkpoint.metadata import metadata_texts

StoredPrecision = Literal["fp32", "fp16"]


def save_weights(model: CifarNet, path: str | Path, *, precision: StoredPrecision = "fp32") -> None:
    """Write weights, spec, normalization, names of classes and row of weights; `load_checkpoint` reads them back.

    The row goes along as long as the weights are still its own.

    Args:
        model: a network of this package; its classifier may have been put in by hand, `model.fc = nn.Linear(64, 7)`.
        path: a name that ends in `.safetensors`.
        precision: `fp16` halves the file; the largest rounding error is 1 in 2,048.

    Raises:
        UsageError: another kind of name, an unknown precision, a value that fp16 cannot hold, or a network that is not
            whole, as after `reset_classifier(0)`.
        OutputError: the file cannot be written; what stood there is untouched.
    """
    from safetensors.torch import save

    path = Path(path)
    if path.suffix != ".safetensors":
        raise UsageError(f"weights are written to a file that ends in .safetensors, not to {path.name}")
    if precision not in ("fp32", "fp16"):
        raise UsageError(f'precision must be fp32 or fp16, not "{precision}"')
    metadata = metadata_texts(model)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    if precision == "fp16":
        tensors = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
        too_large = [name for name, tensor in tensors.items() if tensor.is_floating_point() and tensor.isinf().any()]
        if too_large:
            raise UsageError(f"{', '.join(too_large)} hold values beyond fp16's 65,504: write them in fp32")
    write_atomically(path, save(tensors, metadata))
