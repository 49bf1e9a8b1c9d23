"""The environment in which our networks run, and how records describe it."""

from dataclasses import dataclass
from typing import Any

import torch

from resnetzoo.bench.peers import peer_versions
from resnetzoo.utils import provenance
from resnetzoo.utils.device import Precision, device_name, resolve_device, resolve_precision
from resnetzoo.utils.fp32 import shortens_fp32


@dataclass(frozen=True)
class Environment:
    """A device, and the precision of our networks on it; peers run on the same device, in torch's fp32."""

    device: torch.device
    precision: Precision

    @staticmethod
    def find(device: str = "auto", precision: str = "auto") -> "Environment":
        """The environment for a device and a precision, which are specified as in `fit`.

        Raises:
            DeviceError: the device is not available.
            UsageError: `device` or `precision` is not the name of one.
        """
        resolved = resolve_device(device)
        return Environment(resolved, resolve_precision(precision, resolved))

    def facts(self) -> dict[str, Any]:
        """Device, precision, versions and commit, ready for JSON; `tf32` says who computes fp32 work in TF32."""
        return {
            "device": device_name(self.device),
            "device_type": self.device.type,
            "threads": torch.get_num_threads(),
            "precision": self.precision,
            "tf32": {"resnetzoo": False, "peers": shortens_fp32(self.device)},
            "versions": {**provenance.versions(), **peer_versions()},
            "commit": provenance.commit(),
        }
