"""The trainer's peer: the loop that tutorials write, with torchvision's transforms in a DataLoader, eager, in fp32."""

import os
import time
from collections.abc import Generator

import torch
from torch.nn import functional as F  # noqa: N812 (the field's standard name)
from torch.utils.data import DataLoader, Dataset, RandomSampler

from resnetzoo.bench.timing import Candidate, TimedCall, synchronize
from resnetzoo.bench.workload import peer_precision, peer_settings, training_flop
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.synthetic_set import synthetic
from resnetzoo.weights.factory import create

LOOP = "DataLoader loop"
"""The name in tables of a training loop as tutorials write it, with a DataLoader and torchvision's transforms."""
EPOCH_BATCHES = 100  # with fewer, the start of an epoch, which fills the workers' queues, would count too much
IMAGES = 2_000  # epochs draw from them with replacement; generating enough for an epoch would take longer than a race
MOST_WORKERS = 16  # one per core, except for the core that trains
LOOP_PACKAGE = "torchvision"
LOOP_INSTALL_HINT = f'{LOOP}: {LOOP_PACKAGE} is not installed: pip install "resnetzoo[bench]"'


class TransformedImages(Dataset[tuple[torch.Tensor, int]]):
    """The images of a set as PIL images, passed through torchvision's crop, flip, conversion and normalization."""

    def __init__(self, images: ImageSet) -> None:
        from torchvision.transforms import v2

        self.images = images
        self.transform = v2.Compose(
            [
                v2.RandomCrop(32, padding=4),
                v2.RandomHorizontalFlip(),
                v2.PILToTensor(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
            ]
        )
        self.pictures = [v2.functional.to_pil_image(image) for image in images.images]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.pictures[index]), int(self.images.labels[index])


def loaded_epoch(images: ImageSet, *, batch_size: int) -> Candidate:
    """An epoch of the loader's batches, without workers."""
    loader = DataLoader(TransformedImages(images), batch_size=batch_size, shuffle=True)

    def epoch() -> None:
        for _ in loader:
            pass

    return Candidate("DataLoader", TimedCall(epoch, torch.device("cpu")), images=len(images))


def loop_step(name: str, *, batch_size: int, device: torch.device, steps: int = 4) -> Candidate:
    """One training step of the same network as ours, its batch loaded and augmented; see `LoaderLoop`."""
    # On a CPU workers would take from training the time that they save in loading.
    workers = 0 if device.type == "cpu" else min(MOST_WORKERS, max(1, (os.cpu_count() or 1) - 1))
    loop = LoaderLoop(name, batch_size, device, steps, workers=workers)
    return Candidate(
        LOOP,
        loop.seconds,
        images=batch_size,
        flop=training_flop(name, batch_size),
        precision=peer_precision(device),
        release=loop.close,
    )


class LoaderLoop:
    """The training loop of the tutorials, with `EPOCH_BATCHES` batches per epoch, which pauses between measurements.

    Workers are started once, in the first measurement. With them each measurement is a whole epoch, including its
    start: if it were shorter, they would load batches ahead while other candidates are timed. Without workers each step
    loads its own batch, and a few steps are enough. On CUDA memory is pinned, and the copy of a batch is asynchronous.

    Args:
        name: the name of the network.
        batch_size: images per step.
        device: the device to train on.
        steps: steps per measurement without workers.
        workers: number of processes that load images.
    """

    def __init__(self, name: str, batch_size: int, device: torch.device, steps: int, *, workers: int = 0) -> None:
        self.device = device
        self.steps = EPOCH_BATCHES if workers else steps
        images = TransformedImages(synthetic(train_images=IMAGES, test_images=1).train)
        self.loader = DataLoader(
            images,
            batch_size=batch_size,
            sampler=RandomSampler(images, replacement=True, num_samples=EPOCH_BATCHES * batch_size),
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=device.type == "cuda",
        )
        self.network = create(name, seed=0).to(device).train()
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), lr=1e-3, momentum=0.9, nesterov=True, weight_decay=1e-4
        )
        self._batches = self._epoch_after_epoch()

    def seconds(self) -> float:
        """The seconds of one step, including the device's work."""
        synchronize(self.device)
        began = time.perf_counter()
        with peer_settings(self.device):
            for _ in range(self.steps):
                self._learn(*next(self._batches))
            synchronize(self.device)
        return (time.perf_counter() - began) / self.steps

    def close(self) -> None:
        """Delete the loader, which ends its workers."""
        self._batches.close()
        del self.loader

    def _epoch_after_epoch(self) -> Generator[tuple[torch.Tensor, torch.Tensor], None, None]:
        while True:
            yield from self.loader

    def _learn(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        logits = self.network(images.to(self.device, non_blocking=True))
        loss = F.cross_entropy(logits, labels.to(self.device, non_blocking=True))
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
