"""fp32 is computed as fp32, and the caller's settings are given back; torch keeps them without a GPU, too."""

import threading
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import pytest
import torch

from resnetzoo.utils.device import autocast
from resnetzoo.utils.fp32 import computing, full_fp32, shortens_fp32

CUDA, CPU, MPS = torch.device("cuda"), torch.device("cpu"), torch.device("mps")
NEWER = hasattr(torch.backends, "fp32_precision")  # names that torch has from 2.9 on
newer_names = pytest.mark.skipif(not NEWER, reason="this torch has the older names only")

READ = {
    "cudnn.allow_tf32": attrgetter("cudnn.allow_tf32"),
    "cuda.matmul.allow_tf32": attrgetter("cuda.matmul.allow_tf32"),
    "float32_matmul_precision": lambda backends: torch.get_float32_matmul_precision(),
    **{f"cudnn.{name}": attrgetter(f"cudnn.{name}") for name in ("enabled", "benchmark", "deterministic")},
}
READ_NEWER = {
    f"{name}fp32_precision": attrgetter(f"{name}fp32_precision")
    for name in (
        *("", "cudnn.", "cudnn.conv.", "cudnn.rnn.", "cuda.matmul."),
        *("mkldnn.", "mkldnn.conv.", "mkldnn.rnn.", "mkldnn.matmul."),
    )
}


def state() -> dict[str, Any]:
    """All that torch says of it, by its older and its newer names."""

    def read(get: Callable[[Any], Any]) -> Any:
        try:
            return get(torch.backends)
        except RuntimeError:
            return "refused"

    return {name: read(get) for name, get in {**READ, **(READ_NEWER if NEWER else {})}.items()}


def allow(name: str, value: object) -> None:
    """Set what a caller may set."""
    if name == "float32_matmul_precision":
        torch.set_float32_matmul_precision(str(value))
        return
    *path, last = name.split(".")
    setattr(attrgetter(".".join(path))(torch.backends) if path else torch.backends, last, value)


OLDER_SETTINGS = [
    {},
    {"cudnn.allow_tf32": False},
    {"cuda.matmul.allow_tf32": True},
    {"float32_matmul_precision": "high"},
    {"float32_matmul_precision": "medium", "cudnn.benchmark": True, "cudnn.deterministic": True},
    {"float32_matmul_precision": "medium", "cudnn.enabled": False},
]
NEWER_SETTINGS = [
    {"cuda.matmul.fp32_precision": "tf32"},
    {"cudnn.conv.fp32_precision": "ieee"},  # torch then refuses to read `cudnn.allow_tf32`
    {"cudnn.fp32_precision": "tf32"},
    {"fp32_precision": "tf32"},
    {"fp32_precision": "ieee"},
    {"mkldnn.conv.fp32_precision": "bf16"},
    {"float32_matmul_precision": "high", "cuda.matmul.fp32_precision": "ieee"},
]
SETTINGS = [*OLDER_SETTINGS, *(pytest.param(setting, marks=newer_names) for setting in NEWER_SETTINGS)]


@pytest.fixture(autouse=True)
def _settings_as_torch_has_them() -> Iterator[None]:
    yield
    for name in READ_NEWER if NEWER else ():
        allow(name, "none")
    allow("float32_matmul_precision", "highest")
    for name, value in {"allow_tf32": True, "enabled": True, "benchmark": False, "deterministic": False}.items():
        allow(f"cudnn.{name}", value)


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("device", [CUDA, CPU], ids=str)
def test_nothing_is_shortened_and_the_settings_come_back(setting: dict[str, object], device: torch.device) -> None:
    for name, value in setting.items():
        allow(name, value)
    before = state()
    with full_fp32(device):
        inside = state()
        assert not shortens_fp32(device)
    assert state() == before
    if device == CUDA:
        assert inside["cudnn.allow_tf32"] is inside["cuda.matmul.allow_tf32"] is False  # and neither read is refused
        assert inside["float32_matmul_precision"] == "highest"
        kept = {name: inside[name] for name in ("cudnn.enabled", "cudnn.benchmark", "cudnn.deterministic")}
        assert kept == {name: before[name] for name in kept}


def test_torch_shortens_convolutions_on_cuda_unless_told_otherwise() -> None:
    assert shortens_fp32(CUDA)
    assert not shortens_fp32(CPU)
    before = state()
    with full_fp32(CPU):
        assert state() == before


def test_matrix_products_of_a_cpu_may_be_shortened_by_the_caller_alone() -> None:
    torch.set_float32_matmul_precision("medium")
    assert shortens_fp32(CPU)


@pytest.mark.parametrize("setting", [{}, {"float32_matmul_precision": "high"}], ids=str)
def test_the_settings_come_back_after_an_error(setting: dict[str, object]) -> None:
    for name, value in setting.items():
        allow(name, value)
    before = state()

    def fail() -> None:
        with full_fp32(CUDA, benchmark=True):
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail()
    assert state() == before


def test_other_devices_are_left_alone() -> None:
    before = state()
    with full_fp32(MPS, benchmark=True):
        assert state() == before


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("wanted", [None, False, True])
def test_the_search_for_algorithms_is_chosen_by_the_block(own: bool, wanted: bool | None) -> None:
    torch.backends.cudnn.benchmark = own
    with full_fp32(CUDA, benchmark=wanted):
        assert torch.backends.cudnn.benchmark is (own if wanted is None else wanted)
        with full_fp32(CUDA, benchmark=not own):
            assert torch.backends.cudnn.benchmark is not own
        assert torch.backends.cudnn.benchmark is (own if wanted is None else wanted)
    assert torch.backends.cudnn.benchmark is own
    with full_fp32(CPU, benchmark=not own):
        assert torch.backends.cudnn.benchmark is own


def test_blocks_in_blocks_give_the_settings_back_at_the_outermost_end() -> None:
    before = state()
    with full_fp32(CPU):
        with full_fp32(CUDA):
            with full_fp32(CUDA):
                pass
            assert not shortens_fp32(CUDA)
        assert not shortens_fp32(CPU)
    assert state() == before


def test_blocks_of_several_threads_end_in_any_order() -> None:
    before = state()
    entered, left = threading.Event(), threading.Event()

    def other() -> None:
        with full_fp32(CUDA):
            entered.set()
            left.wait(60)

    thread = threading.Thread(target=other)
    with full_fp32(CUDA):
        thread.start()
        assert entered.wait(60)
    assert not shortens_fp32(CUDA)  # the other is still inside
    left.set()
    thread.join(60)
    assert state() == before


def test_a_caller_s_autocast_ends_where_the_block_begins() -> None:
    linear, x = torch.nn.Linear(4, 4), torch.randn(2, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert linear(x).dtype == torch.bfloat16
        with computing(CPU):
            assert linear(x).dtype == torch.float32
        with computing(CPU, "bf16"):
            assert linear(x).dtype == torch.bfloat16
        assert linear(x).dtype == torch.bfloat16


def test_autocast_keeps_no_copies_of_weights() -> None:
    linear, x = torch.nn.Linear(4, 4), torch.randn(2, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with autocast(CPU, "bf16"):
            old = linear(x)
        with torch.no_grad():
            linear.weight.zero_()
            linear.bias.zero_()
        with autocast(CPU, "bf16"):
            assert old.any()
            assert not linear(x).any()
