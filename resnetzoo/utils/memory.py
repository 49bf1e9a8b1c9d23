"""Memory allocated on a device, and how to free it after work has failed."""

import gc
import traceback

import torch


def reset_peak_memory(device: torch.device) -> None:
    """Let `peak_memory` count from now on."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> int | None:
    """The most bytes that tensors of this process held on the device at once; None if they are not counted."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether work failed for lack of memory, whether or not torch's allocator reported it."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # cuBLAS and the driver report it as a RuntimeError, and so does the allocator of the CPU.
    signs = ("out of memory", "ALLOC_FAILED", "can't allocate memory")
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in signs)


def forget_frames(error: BaseException) -> None:
    """Release everything that the frames of an error and of its causes hold, such as a network with its activations.

    The traceback can still be printed; frames that are still running keep what they have.
    """
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        found = left.pop()
        if found is not None and id(found) not in seen:
            seen.add(id(found))
            traceback.clear_frames(found.__traceback__)
            left += [found.__cause__, found.__context__]


def free_memory() -> None:
    """Collect reference cycles, and return torch's unused cached memory to the device."""
    gc.collect()
    torch.cuda.empty_cache()
