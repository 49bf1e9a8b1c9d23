"""The training step, recorded once for each batch size and replayed: hundreds of small kernels cost one launch."""

from dataclasses import replace

from torch import Tensor

from resnetzoo.training.optimizer import set_lr
from resnetzoo.training.strategies.base import Strategy
from resnetzoo.training.strategies.eager import EagerStep
from resnetzoo.training.strategies.execution import Execution
from resnetzoo.training.strategies.recording import Recording, RepeatedBatches

WARM_UP_STEPS = 3
"""The number of whole batches that are run before one is recorded: they create the momentum buffers, compile what is to
be compiled, and let cuDNN choose its algorithms."""


class RecordedStep(Strategy):
    """An eager or compiled step, recorded and replayed: whole batches, and the smaller one at an epoch's end.

    Everything that changes from step to step is stored in tensors of fixed address: the augmentation, the indices of
    the batch in the epoch's order, and the learning rate.

    Args:
        step: the step to record.
        recording: records it.
    """

    def __init__(self, step: EagerStep, recording: Recording) -> None:
        self.step = step
        self.recording: Recording = recording
        self._augmentation: Tensor | None = None
        self._batches = RepeatedBatches(
            lambda indices: step.training_step(step.augmentation, indices),
            recording,
            step.state.loader.device,
            size=step.state.batch_size,
            first_calls=WARM_UP_STEPS,
        )

    @property
    def execution(self) -> Execution:
        return replace(self.step.execution, recorded=self._batches.recorded)

    def begin_epoch(self, augmentation: Tensor) -> None:
        self.recording.begin_epoch()
        if self._augmentation is None:
            self._augmentation = augmentation.clone()
        else:
            self._augmentation.copy_(augmentation)
        self.step.begin_epoch(self._augmentation)

    def __call__(self, indices: slice, lr: float) -> None:
        set_lr(self.step.state.optimizer, lr)
        self._batches(indices)
