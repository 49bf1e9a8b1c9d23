"""Stage `infer`: images a second of networks as they are, and by `optimize` in each of its ways."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from evidence import Evidence, Setting
from internals import network
from stopwatch import median_seconds

import resnetzoo

NAMES = ("resnet20", "resnet56")
LARGE = 1024  # images
AT_LEAST = 0.3  # seconds of a round


def time_inference(evidence: Evidence, _: Sequence[str] = ()) -> None:
    """Single images, training batches and large batches; then `optimize` with a compiler, on request on CUDA."""
    setting = evidence.setting
    for name in NAMES:
        for size in (1, setting.batch_size, 2 * setting.batch_size if setting.tiny else LARGE):
            time_network(evidence, name, size)
    for size in (setting.batch_size, 1):
        title = f"resnet20 batch {size} optimize, compiled"
        evidence.measure("infer", title, partial(time_compiled_network, setting, size))


def time_network(evidence: Evidence, name: str, size: int) -> None:
    """The model as it is, folded, and as `optimize` gives it by itself: on CUDA folded and recorded."""
    setting = evidence.setting
    device = resnetzoo.resolve_device(setting.device)
    model = network(name, 0, setting).to(device).eval()
    images = torch.randn(size, 3, 32, 32, device=device)

    @torch.inference_mode()
    def infer() -> None:
        model(images)

    def rate(work: Callable[[], object]) -> float:
        return size / median_seconds(work, setting, at_least=AT_LEAST)

    def rate_of(fast: resnetzoo.OptimizedNet) -> float:
        return rate(lambda: fast(images))

    title = f"{name} batch {size}"
    evidence.measure("infer", f"{title} eager fp32", lambda: rate(infer))
    evidence.measure(
        "infer", f"{title} optimize, compile=False", lambda: rate_of(resnetzoo.optimize(model, compile=False))
    )
    if setting.on_cuda:  # which records; a CPU compiles by itself, as the figures below do on request
        evidence.measure("infer", f"{title} optimize", lambda: rate_of(resnetzoo.optimize(model)))


def time_compiled_network(setting: Setting, size: int) -> dict[str, Any]:
    """Seconds until it is compiled, images a second from then on, and how far its logits are from the uncompiled."""
    device = resnetzoo.resolve_device(setting.device)
    model = network("resnet20", 0, setting).to(device).eval()
    images = torch.randn(size, 3, 32, 32, device=device)
    began = time.time()
    fast = resnetzoo.optimize(model, compile=True)
    for _ in range(4):
        found = fast(images)
    first = time.time() - began
    wanted = resnetzoo.optimize(model, compile=False)(images)
    return {
        "first_seconds": first,
        "images_per_second": size / median_seconds(lambda: fast(images), setting, at_least=AT_LEAST),
        "largest_difference": float((found - wanted).abs().max()),
    }
