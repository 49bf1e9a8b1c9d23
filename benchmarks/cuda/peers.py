"""Stage `loop`: the training loop of the tutorials, with worker processes and pinned memory as people set them."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from evidence import Evidence, Setting
from internals import TransformedImages, network
from stopwatch import synchronize
from torch.nn import functional as F  # noqa: N812 (the field's standard name)
from torch.utils.data import DataLoader

import resnetzoo

LOADING = ((8, True), (2, False), (14, True))  # worker processes, and whether memory is pinned
BATCHES = 150  # of an epoch


def time_loops(evidence: Evidence, names: Sequence[str]) -> None:
    """Eager, in fp32, over whole epochs whose images torchvision's transforms augment."""
    setting = evidence.setting
    batches = 4 if setting.tiny else BATCHES
    data = resnetzoo.synthetic(train_images=setting.batch_size * batches, test_images=1)
    images = TransformedImages(data.train)
    for name in names:
        for workers, pinned in LOADING:
            title = f"{name} fp32, {workers} workers, pinned {pinned}"
            evidence.measure("loop", title, partial(time_loop, setting, name, images, workers, pinned))


def time_loop(setting: Setting, name: str, images: TransformedImages, workers: int, pinned: bool) -> dict[str, Any]:
    """The second epoch, for which the workers are there already."""
    device = resnetzoo.resolve_device(setting.device)
    loader = DataLoader(
        images,
        batch_size=setting.batch_size,
        shuffle=True,
        num_workers=0 if setting.tiny else workers,
        pin_memory=pinned and setting.on_cuda,
        persistent_workers=not setting.tiny,
    )
    model = network(name, 0, setting).to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, nesterov=True, weight_decay=1e-4)

    def train_epoch() -> None:
        for batch, labels in loader:
            logits = model(batch.to(device, non_blocking=pinned))
            loss = F.cross_entropy(logits, labels.to(device, non_blocking=pinned))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        synchronize(setting)

    train_epoch()
    began = time.perf_counter()
    train_epoch()
    seconds = (time.perf_counter() - began) / len(loader)
    return {"us_a_step": 1e6 * seconds, "images_per_second": setting.batch_size / seconds}
