"""The former place of `NO_RIVALS`, which is public."""

from resnetzoo.bench.baselines import NO_BASELINES as NO_RIVALS

__all__ = ["NO_RIVALS"]
