"""Stage `infer`: images a second by `optimize`, also recorded by hand, which needs no compiler."""

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
    """Single images, training batches and large batches; then `optimize` as users call it, which compiles."""
    setting = evidence.setting
    for name in NAMES:
        for size in (1, setting.batch_size, 2 * setting.batch_size if setting.tiny else LARGE):
            time_uncompiled(evidence, name, size)
    for size in (setting.batch_size, 1):
        title = f"resnet20 batch {size} optimize, compiled"
        evidence.measure("infer", title, partial(time_compiled_network, setting, size))


def time_uncompiled(evidence: Evidence, name: str, size: int) -> None:
    """The model as it is, folded, and folded and recorded."""
    setting = evidence.setting
    device = resnetzoo.resolve_device(setting.device)
    model = network(name, 0, setting).to(device).eval()
    images = torch.randn(size, 3, 32, 32, device=device)

    @torch.inference_mode()
    def infer() -> None:
        model(images)

    def rate(work: Callable[[], object]) -> float:
        return size / median_seconds(work, setting, at_least=AT_LEAST)

    def folded() -> Callable[[], object]:
        fast = resnetzoo.optimize(model, compile=False)
        return lambda: fast(images)

    evidence.measure("infer", f"{name} batch {size} eager fp32", lambda: rate(infer))
    evidence.measure("infer", f"{name} batch {size} optimize, not compiled", lambda: rate(folded()))
    if setting.on_cuda:
        title = f"{name} batch {size} optimize, recorded by hand"
        evidence.measure("infer", title, lambda: rate(recorded(folded())))


def recorded(work: Callable[[], object]) -> Callable[[], None]:
    """The work as a CUDA graph."""
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            work()
    with torch.cuda.graph(graph, stream=stream):
        work()
    return graph.replay


def time_compiled_network(setting: Setting, size: int) -> dict[str, Any]:
    """Seconds until it is compiled, images a second from then on, and how far its logits are from the uncompiled."""
    device = resnetzoo.resolve_device(setting.device)
    model = network("resnet20", 0, setting).to(device).eval()
    images = torch.randn(size, 3, 32, 32, device=device)
    began = time.time()
    fast = resnetzoo.optimize(model)
    for _ in range(4):
        found = fast(images)
    first = time.time() - began
    wanted = resnetzoo.optimize(model, compile=False)(images)
    return {
        "first_seconds": first,
        "images_per_second": size / median_seconds(lambda: fast(images), setting, at_least=AT_LEAST),
        "largest_difference": float((found - wanted).abs().max()),
    }
