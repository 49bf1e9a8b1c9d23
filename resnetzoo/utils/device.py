"""The device on which a network runs, and its precision."""

import re
from typing import Literal, get_args

import torch
from torch import Tensor

from resnetzoo.errors import DeviceError, UsageError
from resnetzoo.utils.text import brief

Precision = Literal["fp32", "bf16"]


def first_device() -> torch.device:
    """The first of cuda, mps and cpu that this machine has."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def check_recordable(record: bool | None, device: torch.device) -> None:
    """Refuse to record training steps on a device whose work cannot be recorded.

    Raises:
        UsageError: `record` is True, and the device is not CUDA.
    """
    if record and device.type != "cuda":
        raise UsageError(
            f"a step is recorded on CUDA only, and this run is on {device.type}: leave record=True out, or say "
            'device="cuda"'
        )


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device with this name; `auto` is the first of cuda, mps and cpu that this machine has.

    Raises:
        DeviceError: the device is not available.
        UsageError: `device` is not the name of a device.
    """
    if device == "auto":
        return first_device()
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError):
        found = f'"{device}"' if isinstance(device, str) else brief(device)
        raise UsageError(f"device must be auto, cpu, cuda, cuda:N or mps, not {found}") from None
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            f'device "{device}" is not available: torch {torch.__version__} finds no CUDA device on this machine; '
            "use cpu or auto, or install a CUDA build of torch and a driver"
        )
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise DeviceError(f'device "{device}" is not available: this machine has {count} CUDA devices, from cuda:0')
    if resolved.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError(f'device "{device}" is not available: this machine has no MPS; use cpu or auto')
    if resolved.type not in ("cpu", "cuda", "mps"):
        raise UsageError(f'device must be auto, cpu, cuda, cuda:N or mps, not "{device}"')
    return resolved


def resolve_precision(precision: str, device: torch.device) -> Precision:
    """The precision with this name; `auto` is bf16 autocast if the hardware multiplies bf16 natively, else fp32.

    Raises:
        UsageError: `precision` is not `auto`, `fp32` or `bf16`.
    """
    if precision == "auto":
        return "bf16" if _has_bf16(device) else "fp32"
    if precision not in get_args(Precision):
        raise UsageError(f'precision must be auto, fp32 or bf16, not "{precision}"')
    return "bf16" if precision == "bf16" else "fp32"


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """The context of a forward pass: autocast to bf16, or for fp32 no autocast, not even the caller's.

    No copies of weights are cached: inside the caller's autocast they would outlive the optimizer's next step, and
    later passes would use old weights.
    """
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)


def at_least_fp32(x: Tensor) -> Tensor:
    """`x`, converted to fp32 if its type is shorter, or of whole numbers."""
    return x if x.is_floating_point() and x.element_size() >= 4 else x.float()


def gpu_identity(device: torch.device) -> str | None:
    """An identifier of a GPU that is unique across machines; None if `device` is not available."""
    index = torch.cuda.current_device() if device.index is None else device.index
    if index >= torch.cuda.device_count():
        return None
    return str(torch.cuda.get_device_properties(index).uuid)


def device_name(device: torch.device) -> str:
    """The name of the device in results: the GPU's name, or the CPU's capability and threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        return f"CPU {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads"
    return device.type


def threads_in(name: str) -> int | None:
    """The threads of the CPU with this `device_name`; None for another device."""
    found = re.fullmatch(r"CPU .*, (\d{1,6}) threads", name)
    return int(found[1]) if found else None


def type_of_named(name: str) -> str:
    """The type of the device with this `device_name`."""
    if name.startswith("CPU "):
        return "cpu"
    return name if name in ("cpu", "mps") else "cuda"


def has_vnni() -> bool:
    """Whether the CPU sums products of 8-bit integers in one instruction."""
    supported = getattr(torch.cpu, "_is_vnni_supported", None)  # private, as in `_has_bf16`
    return bool(supported and supported())


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        # Private, but there is no public function; if a release lacks it, fp32 is always correct.
        supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        return bool(supported and supported())
    return False
