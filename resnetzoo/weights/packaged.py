"""The weights in the package, one literal row each, trained by its own recipes and rounded to fp16 afterwards."""

from resnetzoo.data.cifar_files import CIFAR10
from resnetzoo.models.pretrained import Weights
from resnetzoo.models.spec import ModelSpec

# Of CIFAR-10, by both versions of `data.fingerprint`: each row has the one of its record.
_VERSION_1 = "32e5966899bde482c0ef7d076bf69809b4b1488c806f657a814cfca4646ec493"
_VERSION_2 = "v2:025f9b4d717f2aaaa0098a0f717db38a6b4cffc23846da263e0910c7a8f08f65"


def _trained(
    spec: ModelSpec,
    recipe: str,
    epochs: int,
    result: str,
    *,
    sha256: str,
    params: int,
    error: float,
    fingerprint: str = _VERSION_1,
) -> Weights:
    """The row of a committed result's seed 0, which is chosen whatever its error is."""
    name = f"{spec.label}.{recipe.lower()}_c10"
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
        dataset=CIFAR10.name,
        dataset_fingerprint=fingerprint,
        recipe=f"{recipe}, {epochs} epochs, seed 0",
        epoch="last",
        licence="MIT",
        source=f"resnetzoo, docs/results/{result}",
    )


PACKAGED: tuple[Weights, ...] = (
    _trained(
        ModelSpec("plain", 20),
        "MODERN",
        60,
        "weights",
        sha256="d4e48333ba5b0eafb52809159fd717045b6f7abfcb1aedd9c7cf9d8fef90c5da",
        params=269_722,
        error=9.7,
    ),
    _trained(
        ModelSpec("plain", 56),
        "QUICK20",
        20,
        "figure6",
        sha256="accbceda5a6bdb3566aef9b4e890b2b9b2c5990db4a061a803c0a3ba65b79f8a",
        params=853_018,
        error=26.17,
    ),
    _trained(
        ModelSpec("residual", 20),
        "MODERN",
        60,
        "weights",
        sha256="a71dba93f1a4070ac475b6134075af1d4028a805df8eefff4fdab0fbca34a850",
        params=269_722,
        error=7.87,
    ),
    _trained(
        ModelSpec("residual", 32),
        "MODERN",
        60,
        "weights",
        sha256="cab3c36899a70feb6063c64135e52c344cce61fa432e2b7f972ca2395dcf1601",
        params=464_154,
        error=7.44,
        fingerprint=_VERSION_2,
    ),
    _trained(
        ModelSpec("residual", 56),
        "MODERN",
        60,
        "weights",
        sha256="3bdb5aa8f3c09ddaea729a8808dab246abd3f2e22d7be437ee83d9abf52046e4",
        params=853_018,
        error=6.65,
        fingerprint=_VERSION_2,
    ),
    _trained(
        ModelSpec("residual", 56),
        "QUICK20",
        20,
        "figure6",
        sha256="bff33c19c5aba804b38f191d626ac54bbf78ca91b3d242bcab35bb7900986751",
        params=853_018,
        error=8.48,
    ),
)
