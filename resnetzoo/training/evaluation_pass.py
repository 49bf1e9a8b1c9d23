"""The test at an epoch's end: a walk over the test images, recorded like the steps where these are."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.normalization import Normalization
from resnetzoo.evaluation.metrics import EvaluationSums
from resnetzoo.training.strategies.recording import Recording, RepeatedBatches
from resnetzoo.utils.device import autocast
from resnetzoo.utils.fp32 import full_fp32
from resnetzoo.utils.modules import evaluating

_BATCH_SIZES = {"cuda": 2_000}
_BATCH_SIZE = 500  # on a CPU, where larger batches leave its caches


class EvaluationPass:
    """Sums up loss and incorrect predictions over the same images again and again, in fp32 and in evaluation mode.

    Args:
        model: on the device of the images.
        images: what to measure on.
        normalization: how pixels become input.
        recording: what the run records with; None carries out every batch.
    """

    def __init__(
        self, model: nn.Module, images: ImageSet, normalization: Normalization, recording: Recording | None
    ) -> None:
        device = images.images.device
        on_device = replace(normalization, mean=normalization.mean.to(device), std=normalization.std.to(device))
        self._model = model
        self._images = images
        self._sums = sums = EvaluationSums.zeros(device)
        self._kept = kept = _KeptLogits(len(images))
        self._batch_size = min(_BATCH_SIZES.get(device.type, _BATCH_SIZE), len(images))

        def add(indices: Tensor) -> None:
            logits, _ = sums.add(model, on_device(images.images[indices]), images.labels[indices], len(images.classes))
            kept.put(indices, logits)

        self._add = add
        self._repeated = (
            None if recording is None else RepeatedBatches(add, recording, device, size=self._batch_size, first_calls=1)
        )

    @property
    def logits(self) -> Tensor | None:
        """What the network said of each image in the last call, (N, classes) on the device; None before the first one.

        The next call fills the same tensor anew.
        """
        return self._kept.values

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Summed loss () in nats and incorrect predictions (), on the device; nothing waits for it.

        The next call fills the same two tensors anew.
        """
        device = self._images.images.device
        self._sums.reset()
        # cuDNN's search for its fastest algorithms is not repaid by a handful of batches an epoch.
        with (
            evaluating(self._model),
            torch.inference_mode(),
            full_fp32(device, benchmark=False),
            autocast(device, "fp32"),
        ):
            for begin in range(0, len(self._images), self._batch_size):
                indices = slice(begin, min(begin + self._batch_size, len(self._images)))
                if self._repeated is None:
                    self._add(torch.arange(indices.start, indices.stop, device=device))
                else:
                    self._repeated(indices)
        return self._sums.loss, self._sums.num_incorrect


class _KeptLogits:
    """The logits of all images in one tensor, which is made at the first batch: this one is never recorded.

    Args:
        images: how many there are.
    """

    def __init__(self, images: int) -> None:
        self._images = images
        self.values: Tensor | None = None

    def put(self, indices: Tensor, logits: Tensor) -> None:
        """Those (n, classes) of the images at these indices (n,); nothing waits for the device."""
        if self.values is None:
            self.values = logits.new_empty(self._images, logits.shape[1])
        self.values.index_copy_(0, indices, logits)
