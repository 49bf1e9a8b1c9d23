"""What an error holds, and whether it was for want of memory."""

import sys
import traceback
import weakref

import pytest
import torch

from resnetzoo.utils.memory import forget_frames, is_out_of_memory, peak_memory, reset_peak_memory


class Held:
    """Stands for the activations of a network."""


def fail(seen: list[weakref.ref[Held]]) -> None:
    first = Held()
    seen.append(weakref.ref(first))
    try:
        fail_within(seen)
    except KeyError:
        raise ValueError("of the run") from None


def fail_within(seen: list[weakref.ref[Held]]) -> None:
    second = Held()
    seen.append(weakref.ref(second))
    raise KeyError("cause")


def test_an_error_without_frames_holds_nothing_and_can_be_printed() -> None:
    seen: list[weakref.ref[Held]] = []
    with pytest.raises(ValueError, match="of the run") as caught:
        fail(seen)
    error = caught.value
    assert all(held() is not None for held in seen)
    forget_frames(error)
    assert [held() for held in seen] == [None, None]
    assert "in fail" in "".join(traceback.format_exception(error))


def test_frames_that_run_keep_what_they_have() -> None:
    mine = Held()
    try:
        raise ValueError("here")
    except ValueError as error:
        forget_frames(error)
    assert mine is not None
    assert sys.exc_info()[1] is None


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"), True),
        (MemoryError(), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (ValueError("out of memory"), False),
        (KeyError("memory"), False),
    ],
)
def test_want_of_memory_is_known_by_whoever_found_it(error: Exception, answer: bool) -> None:
    assert is_out_of_memory(error) is answer


def test_no_one_counts_on_a_cpu() -> None:
    reset_peak_memory(torch.device("cpu"))
    assert peak_memory(torch.device("cpu")) is None


@pytest.mark.cuda
def test_the_peak_is_counted_from_where_it_was_reset() -> None:
    device = torch.device("cuda")
    large = torch.zeros(1 << 20, device=device)
    del large
    reset_peak_memory(device)
    before = peak_memory(device)
    kept = torch.zeros(1 << 18, device=device)
    assert before is not None
    assert peak_memory(device) == before + 4 * len(kept)
