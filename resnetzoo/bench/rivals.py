"""The former module of `NO_RIVALS`, kept because that name is public."""

from resnetzoo.bench.baselines import NO_BASELINES as NO_RIVALS

__all__ = ["NO_RIVALS"]
