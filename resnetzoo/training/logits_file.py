"""`test_logits.safetensors`: the logits of a finished run for each test image, beside the run's record."""

import os
from pathlib import Path

from torch.nn import functional

from resnetzoo.errors import CheckpointError, ResultsError, UsageError
from resnetzoo.evaluation.stored_logits import MOVE_LOGITS, StoredLogits
from resnetzoo.training.results import EpochRow, read_record
from resnetzoo.utils.files import is_there
from resnetzoo.utils.paths import user_path
from resnetzoo.utils.run_names import LOGITS_FILE, RUN_FILE
from resnetzoo.weights.catalog import default_weights, get_weights, list_models, list_weights
from resnetzoo.weights.checkpoint.safetensors_file import read_safetensors
from resnetzoo.weights.hub import packaged_logits_path


def load_logits(source: str | os.PathLike[str]) -> StoredLogits:
    """The stored test logits of a run, or of weights in the package; no network is run.

    >>> load_logits("resnet20")
    StoredLogits(10,000 images, 10 classes, float16, error 7.87 %)

    Args:
        source: the folder of a run of `fit`, its `test_logits.safetensors`, or the name of packaged weights
            (`resnet20.modern_c10`, or `resnet20` for its first row of `list_weights`). Names take precedence:
            `./resnet20` is a folder.

    Raises:
        ResultsError: the file is missing, damaged, changed, or belongs to another run than the record beside it. Runs
            of earlier versions have no logits: `resnetzoo.metrics.logits_of` computes them.
        UsageError: the package does not include these weights.
    """
    if isinstance(source, str) and (source in list_models() or source in {row.name for row in list_weights()}):
        row = get_weights(source) if "." in source else default_weights(source)
        if not row.packaged:
            raise UsageError(
                f"there are no logits of {row.name} in the package: resnetzoo.metrics.logits_of computes them from the "
                "network and the test images"
            )
        return read_logits(packaged_logits_path(row))
    path = user_path(source)
    if path.is_dir():
        return _of_run(path)
    if not is_there(path):
        packaged = ", ".join(row.name for row in list_weights() if row.packaged)
        raise ResultsError(
            f"{path}: no such file or folder of a run, and not the name of weights in the package, which are {packaged}"
        )
    return read_logits(path)


def _of_run(folder: Path) -> StoredLogits:
    if not is_there(folder / LOGITS_FILE):
        finished = is_there(folder / RUN_FILE)
        why = (
            "was finished by a version that kept none"
            if finished
            else "is not finished, or this is not the folder of a run"
        )
        raise ResultsError(
            f"{folder} holds no test logits: the run {why}; resnetzoo.metrics.logits_of(load_checkpoint(folder), "
            "data.test) computes them"
        )
    stored = read_logits(folder / LOGITS_FILE)
    if is_there(folder / RUN_FILE):
        check_same_test(stored, folder / LOGITS_FILE, read_record(folder / RUN_FILE).epochs[-1])
    return stored


def check_same_test(stored: StoredLogits, path: Path, row: EpochRow) -> None:
    """Compare the error and the loss of the logits in `path` with those that the run in its folder recorded.

    Raises:
        ResultsError: the errors differ, or the losses differ by more than the rounding of the logits explains.
    """
    logits = stored.logits.double()
    loss = functional.cross_entropy(logits, stored.labels).item()
    # A rounded logit is off by up to 1/2048 of its value, or 2/2048 if it was moved to stay the largest, and a loss
    # depends on two logits. The test summed in fp32.
    rounding = float(logits.abs().amax(dim=1).mean()) * 4 / 2048 + 1e-4
    if stored.error != row.test_error or abs(loss - row.test_loss) > rounding:
        raise ResultsError(
            f"{path} makes {stored.error:.2f} % errors at a loss of {loss:.4f}, and the run in its folder recorded "
            f"{row.test_error} % at {row.test_loss:.4f}: they are of different runs; "
            f"put the original back, or {MOVE_LOGITS}"
        )


def read_logits(path: Path) -> StoredLogits:
    """The logits in a file.

    Raises:
        ResultsError: the file is missing, damaged, changed, or of another kind.
    """
    try:
        tensors, metadata = read_safetensors(path)
    except CheckpointError as error:
        raise ResultsError(f"{error}; {MOVE_LOGITS}") from error
    return StoredLogits.from_tensors(tensors, metadata, str(path))
