"""Weights that the package carries, a literal row each. All were trained by its own recipes, in fp16 since."""

from resnetzoo.data.layouts import CIFAR10
from resnetzoo.spec import ModelSpec
from resnetzoo.weights.row import Weights

_FINGERPRINT = "32e5966899bde482c0ef7d076bf69809b4b1488c806f657a814cfca4646ec493"


def _quick20(spec: ModelSpec, sha256: str, params: int, error: float, result: str) -> Weights:
    """Seed 0 of a committed result: the first one, whatever its error."""
    name = f"{spec.label}.quick20_c10"
    return Weights(
        name=name,
        spec=spec,
        file=f"{name}.safetensors",
        url=None,
        sha256=sha256,
        classes=CIFAR10.classes,
        mean=(0.4914, 0.482158, 0.446531),
        std=(0.247032, 0.243485, 0.261588),
        params=params,
        test_error=error,
        trained_on=f"cifar10, 50,000 images, {_FINGERPRINT}",
        recipe="QUICK20, 20 epochs, seed 0",
        epoch="last",
        licence="MIT",
        source=f"resnetzoo, docs/results/{result}",
    )


OURS: tuple[Weights, ...] = (
    _quick20(
        ModelSpec("plain", 20),
        sha256="ed06d3960195154487ce4ffcb4dd81502cea05d0cc953b2b9bad511e5db638ee",
        params=269_722,
        error=12.24,
        result="source",
    ),
    _quick20(
        ModelSpec("plain", 56),
        sha256="accbceda5a6bdb3566aef9b4e890b2b9b2c5990db4a061a803c0a3ba65b79f8a",
        params=853_018,
        error=26.17,
        result="figure6",
    ),
    _quick20(
        ModelSpec("residual", 20),
        sha256="188ba4c5db90dcd4faf0b131c06d51f29ce3683ff7a38b90570b12e62a26cc75",
        params=269_722,
        error=9.76,
        result="source",
    ),
    _quick20(
        ModelSpec("residual", 56),
        sha256="bff33c19c5aba804b38f191d626ac54bbf78ca91b3d242bcab35bb7900986751",
        params=853_018,
        error=8.48,
        result="figure6",
    ),
)
