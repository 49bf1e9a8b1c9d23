"""Save a network's weights as a safetensors file that describes its network."""

import warnings
from pathlib import Path
from typing import Literal

from torch import nn

from resnetzoo.errors import UsageError
from resnetzoo.models.introspection import stored_spec
from resnetzoo.models.wrappers import zoo_network
from resnetzoo.utils.files import write_atomically
from resnetzoo.utils.modules import check_values
from resnetzoo.utils.paths import output_path
from resnetzoo.utils.run_names import check_no_run_file
from resnetzoo.weights.checkpoint.build import fault_of
from resnetzoo.weights.checkpoint.metadata import texts_with

StoredPrecision = Literal["fp32", "fp16"]


def save_weights(model: nn.Module, path: str | Path, *, precision: StoredPrecision = "fp32") -> None:
    """Write weights, spec, normalization, class names and row of weights to a file that `load_checkpoint` reads.

    The row is stored only if the network still has its weights.

    Args:
        model: a network of this package, which may be wrapped, as by `nn.DataParallel` or `torch.compile`. You may have
            replaced its classifier, as by `model.fc = nn.Linear(64, 7)`.
        path: a name that ends in `.safetensors`.
        precision: `fp16` halves the file; the largest rounding error is 1 in 2,048.

    Raises:
        UsageError: another suffix, the name of a run's file, an unknown precision, a value that fp16 cannot hold, or a
            network that is incomplete, as after `reset_classifier(0)`, computes something that its weights do not
            describe, or has no values, as on the meta device.
        OutputError: the file cannot be written; an earlier file is unchanged.

    Warns:
        UserWarning: the network has forward hooks, which the file does not keep; or weights that are NaN or infinite:
            the file keeps them, but `load_checkpoint` refuses it.
    """
    from safetensors.torch import save

    path = output_path(path, [".safetensors"], "weights")
    check_no_run_file(path)
    if precision not in ("fp32", "fp16"):
        raise UsageError(f'precision must be fp32 or fp16, not "{precision}"')
    network = zoo_network(model, "save_weights")
    check_values(network)
    metadata = texts_with(stored_spec(network), network)
    # Tied weights share their memory, which safetensors does not write: each name gets its own.
    state = network.state_dict()
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
    if precision == "fp16":
        tensors = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
        too_large = [name for name, tensor in tensors.items() if tensor.isinf().sum() > state[name].isinf().sum()]
        if too_large:
            raise UsageError(f"{', '.join(too_large)} hold values beyond fp16's 65,504: write them in fp32")
    write_atomically(path, save(tensors, metadata))
    if fault := fault_of(tensors):
        warnings.warn(f"{path.name} was written, but load_checkpoint will refuse it: {fault}", stacklevel=2)
