"""Store the logits of a test: small enough to keep with each run, and exact in which predictions are right."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from resnetzoo.data.fingerprint import fingerprint_of_images
from resnetzoo.data.image_set import ImageSet
from resnetzoo.errors import NonFiniteLossError, ResultsError, UsageError
from resnetzoo.evaluation.checked_logits import checked
from resnetzoo.utils.files import write_atomically
from resnetzoo.utils.paths import user_path
from resnetzoo.utils.strict_json import from_json
from resnetzoo.utils.text import counted, short_fingerprint, some
from resnetzoo.utils.validation import check_kind

MOVE_LOGITS = "move the file away: a run of fit continues without it, or with new logits if its run.json is gone, too"
_FORMAT = "resnetzoo test logits, version 1"


@dataclass(frozen=True, eq=False, repr=False)
class StoredLogits:
    """A network's logits for a test set, with the labels, so that metrics need neither the network nor the images.

    The functions of `resnetzoo.metrics` take `stored.logits, stored.labels`; `len(stored)` is the number of images.

    Attributes:
        logits: (N, classes) on the CPU, in the order of the test set. They are rounded to float16 such that the largest
            logit of each image stays the largest: if rounding makes another one equal to it, it becomes the next larger
            number, and so do those that were equal to it before. If one does not fit into float16, because it is above
            65,504, all are float32.
        labels: int64 (N,), from 0.
        classes: the name of each label.
        test_set: the fingerprint of the images, their labels and the names of the classes.
    """

    logits: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    test_set: str

    @classmethod
    def of(cls, logits: Tensor, images: ImageSet) -> "StoredLogits":
        """Store the logits (N, classes) of a network for these images, of any type and on any device.

        Raises:
            UsageError: they are not one row for each image, or a label has no logit.
            NonFiniteLossError: some are NaN, plus infinity, or too large for float32.
        """
        values, labels = checked(logits, images.labels)
        return cls(_rounded(values), labels.clone(), images.classes, fingerprint_of_images(images))

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        kind = str(self.logits.dtype).removeprefix("torch.")
        images, classes = self.logits.shape
        return (
            f"StoredLogits({counted(images, 'image')}, {counted(classes, 'class')}, {kind}, error {self.error:.2f} %)"
        )

    @property
    def incorrect(self) -> int:
        """Number of images whose largest logit is not that of their label."""
        return int((self.logits.argmax(dim=1) != self.labels).sum())

    @property
    def error(self) -> float:
        """Top-1 error in percent, exactly as measured in the test that gave these logits."""
        return 100 * self.incorrect / len(self.labels)

    def paired_with(self, other: "StoredLogits") -> tuple[Tensor, Tensor, Tensor]:
        """Both logits and the labels: the arguments of `paired_counts` and `paired_bootstrap` of `resnetzoo.metrics`.

        Raises:
            UsageError: `other` is not a `StoredLogits`, has other classes or another order of them, or is of another
                test set.
        """
        check_kind("other", other, StoredLogits)
        if self.classes != other.classes:
            raise UsageError(
                f"the logits are of different classes, {some(self.classes)} and {some(other.classes)}: only logits "
                "with the same classes in the same order can be compared"
            )
        if self.test_set != other.test_set:
            raise UsageError(
                f"the logits are of different test sets, {counted(len(self), 'image')} "
                f"({short_fingerprint(self.test_set)}) and {len(other):,} ({short_fingerprint(other.test_set)}): only "
                "networks that were tested on the same images can be compared"
            )
        return self.logits, other.logits, self.labels

    def save(self, path: str | Path) -> None:
        """Write a safetensors file with the tensors `logits` and `labels`, which `load_logits` reads back.

        Raises:
            OutputError: it cannot be written; an existing file is unchanged.
        """
        from safetensors.torch import save

        write_atomically(user_path(path), save(*self.to_tensors()))

    def to_tensors(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """The tensors and the metadata of a safetensors file."""
        smallest = torch.uint8 if len(self.classes) <= 256 else torch.int32
        tensors = {"logits": self.logits.contiguous(), "labels": self.labels.to(smallest)}
        metadata = {
            "format": _FORMAT,
            "classes": json.dumps(self.classes),
            "test_set": self.test_set,
            "incorrect": str(self.incorrect),
        }
        return tensors, {**metadata, "sha256": _digest(tensors, metadata)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], name: str) -> "StoredLogits":
        """Read the result of `to_tensors` from a file, which messages call `name`.

        Raises:
            ResultsError: it is not such a file, or it was changed.
        """
        if metadata.get("format") != _FORMAT or tensors.keys() != {"logits", "labels"}:
            raise ResultsError(f"{name}: not a file of test logits written by this package, version 1; {MOVE_LOGITS}")
        said = {key: value for key, value in metadata.items() if key != "sha256"}
        if _digest(tensors, said) != metadata.get("sha256"):
            raise ResultsError(
                f"{name}: its logits are not the ones that were written, so the file is damaged or was changed; "
                f"{MOVE_LOGITS}"
            )
        classes = tuple(from_json(metadata["classes"]))
        return cls(tensors["logits"], tensors["labels"].to(torch.int64), classes, metadata["test_set"])


def _rounded(logits: Tensor) -> Tensor:
    """Round to float16, or to float32 if one does not fit, and keep the largest logit of each image the largest."""
    largest = logits == logits.amax(dim=1, keepdim=True)  # (N, classes)
    for dtype in (torch.float16, torch.float32):
        rounded = logits.to(dtype, copy=True)
        joined = (rounded == rounded.amax(dim=1, keepdim=True)) & ~largest
        moved = largest & joined.any(dim=1, keepdim=True)
        with np.errstate(over="ignore"):  # the largest float16 becomes infinity, and float32 is tried next
            above = np.nextafter(rounded[moved].numpy(), np.array(np.inf, np.float16))  # of either type
        rounded[moved] = torch.from_numpy(above)
        exact = torch.equal(rounded == rounded.amax(dim=1, keepdim=True), largest)
        held = rounded.isfinite() | (logits.isinf() if dtype == torch.float32 else False)
        if exact and bool(held.all()):
            return rounded
    raise NonFiniteLossError("some logits are too large for float32: the network diverged")


def _digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in ("logits", "labels"):
        values = tensors[name]
        digest.update(f"{values.dtype} {list(values.shape)}".encode())
        digest.update(values.contiguous().numpy().tobytes())
    return digest.hexdigest()
