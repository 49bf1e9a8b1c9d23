"""Stage `env`: the machine, the versions, and what the device can do at best."""

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import torch
from evidence import Evidence, Setting
from stopwatch import median_seconds

from resnetzoo import bench

PACKAGES = (
    *("torchvision", "triton", "timm", "pytorchcv", "numpy", "typer", "rich", "safetensors"),
    *("pytest", "hypothesis", "matplotlib", "pytest-benchmark"),
)
SMI_FIELDS = "name,driver_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,power.limit,compute_mode"
MATRIX = 8192  # rows and columns


def describe_machine(evidence: Evidence, _: Sequence[str] = ()) -> None:
    """Device, driver and versions; on CUDA the rates of a matrix product and of a copy, and the cost of a kernel."""
    evidence.add(
        "env",
        smi=output_of("nvidia-smi", f"--query-gpu={SMI_FIELDS}", "--format=csv"),
        torch=torch.__version__,
        cuda=torch.version.cuda,
        python=sys.version,
        cpus=os.cpu_count(),
        kernel=output_of("uname", "-a"),
        versions={name: version_of(name) for name in PACKAGES},
    )
    device = evidence.setting.device
    evidence.measure("env", "facts", lambda: bench.Environment.find(device).facts())  # the commit among them
    if evidence.setting.on_cuda:
        describe_device(evidence)
        measure_limits(evidence)


def output_of(*words: str) -> str:
    """What a command prints; why it cannot be run, where it cannot."""
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    except OSError as error:
        return str(error)


def version_of(name: str) -> str:
    """The installed version of a distribution."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def describe_device(evidence: Evidence) -> None:
    """What torch knows of the CUDA device."""
    evidence.add(
        "env",
        cudnn=torch.backends.cudnn.version(),
        capability=torch.cuda.get_device_capability(),
        allow_tf32={"conv": torch.backends.cudnn.allow_tf32, "matmul": torch.backends.cuda.matmul.allow_tf32},
        properties=str(torch.cuda.get_device_properties(0)),
    )


def measure_limits(evidence: Evidence) -> None:
    """Multiplications, memory traffic, and the time that the smallest kernels take."""
    setting = evidence.setting
    one, other = (torch.randn(MATRIX, MATRIX, device=setting.device, dtype=torch.bfloat16) for _ in range(2))
    evidence.measure(
        "env", "matrix_tflops_bf16", lambda: 2 * MATRIX**3 / median_seconds(lambda: one @ other, setting) / 1e12
    )
    to, source = (torch.empty(1 << 30, dtype=torch.uint8, device=setting.device).random_() for _ in range(2))
    evidence.measure(
        "env",
        "copy_tbytes_read_and_written",
        lambda: 2 * to.numel() / median_seconds(lambda: to.copy_(source), setting) / 1e12,
    )
    number = torch.zeros(1, device=setting.device)
    activation = torch.randn(setting.batch_size * 16 * 32 * 32, device=setting.device).bfloat16()
    evidence.measure(
        "env", "us_a_tiny_kernel_eager", lambda: 1e6 * median_seconds(lambda: number.add_(1), setting, rounds=3)
    )
    evidence.measure("env", "us_a_tiny_kernel_in_a_graph", lambda: recorded_kernel(number, setting))
    evidence.measure("env", "us_a_stage1_activation_kernel_in_a_graph", lambda: recorded_kernel(activation, setting))


def recorded_kernel(tensor: torch.Tensor, setting: Setting) -> float:
    """Microseconds of adding 1 to `tensor`, as one of 1,000 kernels of a CUDA graph."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.Stream()):
        for _ in range(1000):
            tensor.add_(1)
    return 1e3 * median_seconds(graph.replay, setting, rounds=3)
