"""One optimized network under many threads, and recorded on a stand-in for a CUDA stream: each gets its own answers."""

import copy
import io
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from cases import lived_in
from test_inference import needs_compiler, needs_vnni
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode

import resnetzoo
from resnetzoo.inference import forward as passes
from resnetzoo.inference.choose import choose_forward
from resnetzoo.inference.compiled_forward import CompiledForward
from resnetzoo.inference.forward import ByShape, ForwardPass, PlainForward
from resnetzoo.inference.quantize import compiles_int8
from resnetzoo.inference.recorded_forward import WARM_UPS, RecordedForward

THREADS = 32
SECONDS = 120.0  # until a thread that waits for another counts as stuck
SPEC = resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16), in_chans=1, num_classes=7)
CUDA = torch.device("cuda")  # only its name is used here


class StandIn:
    """As `GraphStream`, on the CPU: it replays by executing the body again, on the same tensors, one caller at a time.

    Attributes:
        calls: what was asked of it, in order.
        recording: whether the caller is recording.
    """

    def __init__(self, device: torch.device = CUDA) -> None:
        self.calls: list[str] = []
        self.recording = False
        self.busy = False

    @contextmanager
    def joined(self) -> Iterator[None]:
        assert not self.busy, "two callers at once"
        self.busy = True
        self.calls.append("join")
        time.sleep(0)  # another thread may go first wherever nothing keeps it from doing so
        yield
        self.calls.append("leave")
        self.busy = False

    def record(self, body: Callable[[], None]) -> Callable[[], None]:
        assert self.busy
        self.calls.append("record")

        def replay() -> None:
            assert self.busy
            self.calls.append("replay")
            time.sleep(0)
            body()

        return replay

    def caller_records(self) -> bool:
        return self.recording


class Counting(nn.Module):
    """Images (n, C, H, W) -> (n, 2): each image's own sum and largest value; counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []  # of each call, since of `calls += 1` in two threads at once one may be lost

    @property
    def calls(self) -> int:
        return len(self.sizes)

    def forward(self, images: Tensor) -> Tensor:
        self.sizes.append(len(images))
        return torch.stack([images.sum((1, 2, 3)), images.amax((1, 2, 3))], dim=1)


def recorded(network: nn.Module, stream: StandIn, only: torch.Size | None = None) -> RecordedForward:
    return RecordedForward(PlainForward(network, torch.float32), stream, compile=False, only=only)


def by_all_threads(work: Callable[[int], Any]) -> list[Any]:
    """What each of 32 threads gives, all of them let go at the same moment, and switched a hundred times as often."""
    gate = threading.Barrier(THREADS)

    def one(number: int) -> Any:
        gate.wait(SECONDS)
        return work(number)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(interval / 100)
    try:
        with ThreadPoolExecutor(THREADS) as threads:
            return list(threads.map(one, range(THREADS)))
    finally:
        sys.setswitchinterval(interval)


def assert_right_under_threads(
    forward: Callable[[Tensor], Tensor], reference: Callable[[Tensor], Tensor], sizes: tuple[int, ...], tolerance: float
) -> None:
    """Each thread's own images, sizes in its own order, three times over; shapes come first to many threads at once."""
    images = [torch.randn(max(sizes), 1, 32, 32, generator=torch.Generator().manual_seed(n)) for n in range(THREADS)]
    with torch.no_grad():
        expected = [{size: reference(own[:size]) for size in sizes} for own in images]

    def work(number: int) -> float:
        first = number % len(sizes)
        order = sizes[first:] + sizes[:first]
        found = [(size, forward(images[number][:size])) for size in order * 3]  # kept until all of them are there
        return max(float((logits - expected[number][size]).abs().max()) for size, logits in found)

    assert max(by_all_threads(work)) <= tolerance


@pytest.fixture(scope="module", autouse=True)
def _traced_before_all_threads() -> None:
    """torch 2.11 made for CUDA, where there is no device, crashes once the first thread that traced has ended."""
    with FakeTensorMode():
        torch.empty(1)


@pytest.fixture(scope="module")
def model() -> resnetzoo.CifarNet:
    return lived_in(SPEC)


@needs_compiler
@pytest.mark.parametrize("batch_size", [None, 3])
@pytest.mark.slow
def test_compiled_in_many_threads(model: resnetzoo.CifarNet, batch_size: int | None) -> None:
    """Two shapes are compiled by whoever comes first; a batch of five is cut into three and two."""
    optimized = resnetzoo.optimize(model, precision="fp32", batch_size=batch_size)
    if batch_size:
        optimized = copy.deepcopy(optimized)  # which is compiled by its first call, here by all threads at once
    sizes = (1, 3) if batch_size is None else (3, 5)
    assert_right_under_threads(optimized, model, sizes, tolerance=1e-3)
    assert isinstance(optimized._forward, CompiledForward)
    assert len(optimized._forward.compiled) == (2 if batch_size is None else 1)


def test_uncompiled_in_many_threads(model: resnetzoo.CifarNet) -> None:
    for batch_size in (None, 2):
        optimized = resnetzoo.optimize(model, precision="fp32", compile=False, batch_size=batch_size)
        assert_right_under_threads(optimized, model, (1, 2, 5), tolerance=1e-3)


@needs_vnni
@pytest.mark.parametrize("compile_it", [False, pytest.param(True, marks=needs_compiler)])
def test_int8_in_many_threads(compile_it: bool) -> None:
    """Against the same network in one thread: its kernels write over their inputs."""
    if compile_it and not compiles_int8():
        pytest.skip("this release of torch cannot compile them")
    model = lived_in(resnetzoo.ModelSpec("residual", 8, widths=(8, 16, 32), num_classes=7))
    calibration = resnetzoo.synthetic(seed=0, train_images=32, test_images=1).train
    optimized, alone = (
        resnetzoo.optimize(model, precision="int8", compile=compiled, calibration=calibration)
        for compiled in (compile_it, False)
    )
    assert_right_under_threads(
        lambda images: optimized(images.expand(-1, 3, -1, -1)),
        lambda images: alone(images.expand(-1, 3, -1, -1)),
        (4,) if compile_it else (1, 2, 4),
        tolerance=0.0 if not compile_it else 0.05 * float(alone(torch.randn(8, 3, 32, 32)).std()),
    )


def test_recorded_in_many_threads() -> None:
    """One more shape than are recorded: that one runs as it is."""
    stream, network = StandIn(), Counting()
    forward = recorded(network, stream)
    sizes = tuple(range(1, passes.MAX_SHAPES + 2))
    assert_right_under_threads(forward, Counting(), sizes, tolerance=0.0)
    assert stream.calls.count("record") == len(forward.recordings) == passes.MAX_SHAPES
    per_shape = THREADS * 3
    assert stream.calls.count("replay") == passes.MAX_SHAPES * per_shape
    assert network.calls == passes.MAX_SHAPES * (WARM_UPS + per_shape) + per_shape


def test_a_recorded_network_in_many_threads(model: resnetzoo.CifarNet, monkeypatch: pytest.MonkeyPatch) -> None:
    optimized = resnetzoo.optimize(model, precision="fp32", compile=False, batch_size=3)
    monkeypatch.setattr(optimized, "_forward", recorded(optimized._network, StandIn(), torch.Size((3, 1, 32, 32))))
    assert_right_under_threads(optimized, model, (1, 3, 7), tolerance=1e-3)
    assert len(optimized._forward.recordings) == 1  # type: ignore[attr-defined]


def test_the_order_of_a_recorded_call() -> None:
    """Warm-up and recording in the stream, then copy in, replay and copy out in one stay of it."""
    stream, network = StandIn(), Counting()
    forward = recorded(network, stream)
    images = torch.randn(2, 3, 8, 8)
    first = forward(images)
    assert stream.calls == ["join", "record", "leave", "join", "replay", "leave"]
    assert network.calls == WARM_UPS + 1  # the stand-in executes the body at a replay only
    kept = first.clone()
    second = forward(images.double() * 2)  # of another type, into the same recording
    assert torch.equal(first, kept)  # the caller's own
    assert torch.equal(second, 2 * first)
    assert second.dtype == torch.float32
    assert stream.calls[6:] == ["join", "replay", "leave"]


def test_a_caller_that_records_gets_the_network_itself() -> None:
    stream, network = StandIn(), Counting()
    forward = recorded(network, stream)
    stream.recording = True
    images = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(forward(images), Counting()(images))
    assert network.calls == 1
    assert stream.calls == []


def test_copies_of_recorded_networks_record_again() -> None:
    forward = recorded(Counting(), StandIn())
    images = torch.randn(2, 3, 8, 8)
    logits = forward(images)
    for twin in (copy.deepcopy(forward), pickle.loads(pickle.dumps(forward))):
        assert len(twin.recordings) == 0
        assert torch.equal(twin(images), logits)
        assert len(twin.recordings) == 1
    assert len(forward.recordings) == 1


@pytest.mark.parametrize(
    ("precision", "compile_it"),
    [("fp32", False), pytest.param("fp32", True, marks=needs_compiler), pytest.param("int8", False, marks=needs_vnni)],
)
@pytest.mark.slow
def test_copies_and_files_of_optimized_networks(precision: str, compile_it: bool) -> None:
    model = lived_in(resnetzoo.ModelSpec("residual", 8, widths=(8, 16, 32), num_classes=7))
    calibration = resnetzoo.synthetic(seed=0, train_images=32, test_images=1).train if precision == "int8" else None
    optimized = resnetzoo.optimize(
        model, precision=precision, compile=compile_it, batch_size=2, calibration=calibration
    )
    images = torch.randn(2, 3, 32, 32)
    logits = optimized(images)
    file = io.BytesIO()
    torch.save(optimized, file)
    file.seek(0)
    for twin in (copy.deepcopy(optimized), torch.load(file, weights_only=False)):
        assert torch.equal(twin(images), logits)
        assert twin.spec == model.spec


def test_what_is_chosen() -> None:
    known = PlainForward(nn.Linear(3, 3), torch.float32)
    unknown = PlainForward(Counting(), torch.float32)

    def chosen(device: str, compile_it: bool | None, plain: PlainForward = known) -> ForwardPass:
        return choose_forward(plain, torch.device(device), compile=compile_it, only=None, open_stream=StandIn)

    assert isinstance(chosen("cuda", None), RecordedForward)
    assert isinstance(chosen("cuda", True), RecordedForward)
    assert isinstance(chosen("cpu", None), CompiledForward)
    assert isinstance(chosen("cpu", True), CompiledForward)
    assert chosen("cuda", False) is known
    assert chosen("cpu", False) is known
    assert chosen("cuda", None, unknown) is unknown  # what it counts would stand still in a recording
    assert isinstance(chosen("cuda", True, unknown), CompiledForward)
    assert isinstance(chosen("cpu", None, unknown), CompiledForward)


@pytest.mark.slow
@needs_compiler
def test_compiled_code_is_recorded_where_asked() -> None:
    """The body that is recorded calls compiled code: the network itself runs only to be traced."""
    network, stream = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).requires_grad_(False), StandIn()
    plain = PlainForward(network, torch.float32)
    forward = choose_forward(plain, CUDA, compile=True, only=None, open_stream=lambda _: stream)
    assert isinstance(forward, RecordedForward)
    images = torch.randn(2, 3, 2, 2)
    with torch.no_grad():
        torch.testing.assert_close(forward(images), network(images))
        network[1].weight.zero_()  # type: ignore[union-attr, operator]
        assert float(forward(images).abs().max()) > 0  # the compiled code has the weights as they were
    assert stream.calls.count("record") == 1


def test_a_shape_that_is_there_waits_for_none_in_the_making() -> None:
    """One thread stays in the making of a shape until another one, with a shape that is made, has been answered."""
    entered, answered = threading.Event(), threading.Event()

    def make(inputs: Tensor) -> int:
        if len(inputs) == 2:
            entered.set()
            assert answered.wait(SECONDS)
        return len(inputs)

    shapes: ByShape[int] = ByShape(make, None)
    assert shapes.get(torch.zeros(1)) == 1
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(shapes.get, torch.zeros(2))
        assert entered.wait(SECONDS)
        assert shapes.get(torch.zeros(1)) == 1
        answered.set()
        assert slow.result(SECONDS) == 2


def test_each_shape_is_made_once() -> None:
    made: list[int] = []

    def make(inputs: Tensor) -> int | None:
        made.append(len(inputs))
        time.sleep(0)
        return len(inputs) or None

    shapes: ByShape[int] = ByShape(make, None)
    assert by_all_threads(lambda number: shapes.get(torch.zeros(1 + number % 3))) == [
        1 + number % 3 for number in range(THREADS)
    ]
    assert sorted(made) == [1, 2, 3]
    assert shapes.get(torch.zeros(0)) is None  # it cannot be made, so nothing else is tried
    assert shapes.get(torch.zeros(9)) is None
    assert sorted(made) == [0, 1, 2, 3]
    only: ByShape[int] = ByShape(make, torch.Size((4,)))
    assert (only.get(torch.zeros(5)), only.get(torch.zeros(4))) == (None, 4)


@pytest.mark.cuda
@pytest.mark.parametrize("compile_it", [None, True])
def test_recorded_on_cuda_in_threads_on_streams_of_their_own(
    model: resnetzoo.CifarNet, compile_it: bool | None
) -> None:
    on_cuda = copy.deepcopy(model).cuda()
    optimized = resnetzoo.optimize(on_cuda, precision="fp32", compile=compile_it)

    def forward(images: Tensor) -> Tensor:
        with torch.cuda.stream(torch.cuda.Stream()):  # type: ignore[no-untyped-call]
            return optimized(images.cuda()).cpu()

    assert_right_under_threads(forward, model, (1, 3, 8), tolerance=1e-3)
    assert isinstance(optimized._forward, RecordedForward)
    assert len(optimized._forward.recordings) == 3
