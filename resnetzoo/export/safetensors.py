"""safetensors: only the weights, with a description of their network."""

from pathlib import Path
from tempfile import TemporaryDirectory

from resnetzoo.errors import ExportError, UsageError
from resnetzoo.export.formats import FORMATS
from resnetzoo.export.subject import Exportable, subject_of
from resnetzoo.export.verify import Exported, verified
from resnetzoo.export.wrapper import WithPreprocessing
from resnetzoo.models.as_built import AsBuilt
from resnetzoo.utils.files import write_atomically
from resnetzoo.version import __version__
from resnetzoo.weights.checkpoint.build import fault_of
from resnetzoo.weights.checkpoint.load import load_checkpoint
from resnetzoo.weights.save import save_weights


def export_safetensors(model: Exportable, path: str | Path) -> Exported:
    """Write weights, spec and normalization as `save_weights` does; checked by loading them back.

    Args:
        model: a network; it is left as it was.
        path: a name that ends in `.safetensors`.

    Raises:
        UsageError: an unsupported model or file name; `WithPreprocessing`, since such a file holds no graph; or a
            network with hooks or replaced modules, which such a file does not describe.
        ExportError: the outputs of the file, loaded back, differ from the model's, or a weight is NaN or infinite;
            nothing is written then.
        OutputError: the file cannot be written; an existing one is unchanged.
    """
    path = FORMATS["safetensors"].check_suffix(path)
    if isinstance(model, WithPreprocessing):
        raise UsageError(
            "safetensors files contain weights and no graph, so they cannot contain preprocessing; their metadata "
            "contain the normalization"
        )
    subject = subject_of(model)
    for name, words in AsBuilt(subject.network).changes().items():
        if name != "fc":
            raise UsageError(
                f"safetensors files contain only weights, but {name or 'the network'} {words}, which weights do not "
                "show: export it to another format"
            )
    if fault := fault_of(subject.network.state_dict()):
        raise ExportError(f"load_checkpoint would refuse the file, so it was not written: {fault}")
    with TemporaryDirectory() as folder:
        file = Path(folder) / path.name
        save_weights(subject.network, file)
        done = verified(subject, load_checkpoint(file), f"resnetzoo {__version__}", path)
        write_atomically(path, file.read_bytes())
    return done
