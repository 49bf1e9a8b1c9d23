"""The evidence: the paper's table and figures made again, each with a verdict."""

from typing import TYPE_CHECKING

from resnetzoo.utils.lazy import export_lazily

if TYPE_CHECKING:
    from resnetzoo.reproduce.budgets import Budget as Budget
    from resnetzoo.reproduce.budgets import budget_of as budget_of
    from resnetzoo.reproduce.claims import Above as Above
    from resnetzoo.reproduce.claims import AtMost as AtMost
    from resnetzoo.reproduce.claims import Lower as Lower
    from resnetzoo.reproduce.layer_stats import LayerRow as LayerRow
    from resnetzoo.reproduce.outcome import Outcome as Outcome
    from resnetzoo.reproduce.outcome import Summary as Summary
    from resnetzoo.reproduce.parsing import parse_numbers as parse_numbers
    from resnetzoo.reproduce.parsing import parse_seeds as parse_seeds
    from resnetzoo.reproduce.pipeline import reproduce as reproduce
    from resnetzoo.reproduce.targets import TARGETS as TARGETS
    from resnetzoo.reproduce.targets import Network as Network
    from resnetzoo.reproduce.targets import Target as Target
    from resnetzoo.reproduce.targets import get_target as get_target
    from resnetzoo.reproduce.verdicts import Verdict as Verdict
else:
    __getattr__, __dir__, __all__ = export_lazily(
        __name__,
        names={
            "resnetzoo.reproduce.budgets": ["Budget", "budget_of"],
            "resnetzoo.reproduce.claims": ["Above", "AtMost", "Lower"],
            "resnetzoo.reproduce.layer_stats": ["LayerRow"],
            "resnetzoo.reproduce.outcome": ["Outcome", "Summary"],
            "resnetzoo.reproduce.parsing": ["parse_numbers", "parse_seeds"],
            "resnetzoo.reproduce.pipeline": ["reproduce"],
            "resnetzoo.reproduce.targets": ["TARGETS", "Network", "Target", "get_target"],
            "resnetzoo.reproduce.verdicts": ["Verdict"],
        },
    )
