"""The test after an epoch: a pass over the test images, recorded if the training steps are."""

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
_BATCH_SIZE = 500  # on a CPU, whose caches are too small for larger batches


class EvaluationPass:
    """Sums loss and incorrect predictions over the same images at each call, in fp32 and in evaluation mode.

    Args:
        model: on the device of the images.
        images: the images to measure on.
        normalization: how pixels become the network's input.
        recording: records the batches; None runs each of them without recording.
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
            logits = sums.add(model, on_device(images.images[indices]), images.labels[indices], len(images.classes))
            kept.put(indices, logits)

        self._add = add
        self._repeated = (
            None if recording is None else RepeatedBatches(add, recording, device, size=self._batch_size, first_calls=1)
        )

    @property
    def logits(self) -> Tensor | None:
        """The logits (N, classes) of the last call, on the device; None before the first call.

        The next call overwrites the same tensor.
        """
        return self._kept.values

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Summed loss () in nats and the number of incorrect predictions (), on the device, without waiting for it.

        The next call overwrites the same two tensors.
        """
        device = self._images.images.device
        self._sums.reset()
        # A few batches per epoch do not repay cuDNN's search for its fastest algorithms.
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
    """The logits of all images in one tensor, created at the first batch, which is never recorded.

    Args:
        images: number of images.
    """

    def __init__(self, images: int) -> None:
        self._images = images
        self.values: Tensor | None = None

    def put(self, indices: Tensor, logits: Tensor) -> None:
        """Store the logits (n, classes) of the images at these indices (n,), without waiting for the device."""
        if self.values is None:
            self.values = logits.new_empty(self._images, logits.shape[1])
        self.values.index_copy_(0, indices, logits)
