"""The trainer's peer: the loop of the tutorials, torchvision's transforms in a DataLoader, eager fp32."""

import os

import torch
from torch.nn import functional as F  # noqa: N812 (the field's standard name)
from torch.utils.data import DataLoader, Dataset

from resnetzoo.bench.timing import Candidate, TimedCall
from resnetzoo.bench.workload import training_flop
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.synthetic_set import synthetic
from resnetzoo.weights.factory import create

LOOP = "DataLoader loop"
"""What tables call a training loop as tutorials write it, with a DataLoader and torchvision's transforms."""
LOOP_PACKAGE = "torchvision"
LOOP_INSTALL_HINT = f'{LOOP}: {LOOP_PACKAGE} is not installed: pip install "resnetzoo[bench]"'


class TransformedImages(Dataset[tuple[torch.Tensor, int]]):
    """The images of a set as PIL images through torchvision's crop, flip, conversion and normalization."""

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


def transformed_loader(images: ImageSet, *, batch_size: int, workers: int = 0) -> DataLoader[tuple[torch.Tensor, int]]:
    """Shuffled batches, loaded in this process or in `workers` others that stay."""
    dataset = TransformedImages(images)
    return DataLoader(dataset, batch_size=batch_size, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


def loaded_epoch(images: ImageSet, *, batch_size: int) -> Candidate:
    """An epoch of the loader's batches, without workers."""
    loader = transformed_loader(images, batch_size=batch_size)

    def epoch() -> None:
        for _ in loader:
            pass

    return Candidate("DataLoader", TimedCall(epoch, torch.device("cpu")), images=len(images))


def loop_step(name: str, *, batch_size: int, device: torch.device, steps: int = 4) -> Candidate:
    """One training step of the same network as ours, its batch loaded and augmented: the share of an epoch.

    Workers load only beside a GPU: on a CPU they would take from the training what they give to the loading.
    """
    data = synthetic(train_images=batch_size * steps, test_images=1)
    workers = 0 if device.type == "cpu" else min(8, os.cpu_count() or 1)
    loader = transformed_loader(data.train, batch_size=batch_size, workers=workers)
    network = create(name, seed=0).to(device).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9, nesterov=True, weight_decay=1e-4)

    def epoch() -> None:
        for images, labels in loader:
            loss = F.cross_entropy(network(images.to(device)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    epoch_seconds = TimedCall(epoch, device, at_least=0)
    flop = training_flop(name, batch_size)
    return Candidate(LOOP, lambda: epoch_seconds() / steps, images=batch_size, flop=flop)
