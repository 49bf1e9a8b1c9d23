"""Reproduce the paper's tables and figures, each with a verdict on its claims."""

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
    from resnetzoo.reproduce.pipeline import run_plan as run_plan
    from resnetzoo.reproduce.plan import Plan as Plan
    from resnetzoo.reproduce.plan import resolve_plan as resolve_plan
    from resnetzoo.reproduce.planned_run import PlannedRun as PlannedRun
    from resnetzoo.reproduce.published import PAPER_ERRORS as PAPER_ERRORS
    from resnetzoo.reproduce.published import PEERS as PEERS
    from resnetzoo.reproduce.published import PUBLISHED as PUBLISHED
    from resnetzoo.reproduce.published import PublishedError as PublishedError
    from resnetzoo.reproduce.source_document import SOURCE_ACCURACIES as SOURCE_ACCURACIES
    from resnetzoo.reproduce.stored_results import StoredResults as StoredResults
    from resnetzoo.reproduce.stored_results import read_results as read_results
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
            "resnetzoo.reproduce.pipeline": ["reproduce", "run_plan"],
            "resnetzoo.reproduce.plan": ["Plan", "resolve_plan"],
            "resnetzoo.reproduce.planned_run": ["PlannedRun"],
            "resnetzoo.reproduce.published": ["PAPER_ERRORS", "PEERS", "PUBLISHED", "PublishedError"],
            "resnetzoo.reproduce.source_document": ["SOURCE_ACCURACIES"],
            "resnetzoo.reproduce.stored_results": ["StoredResults", "read_results"],
            "resnetzoo.reproduce.targets": ["TARGETS", "Network", "Target", "get_target"],
            "resnetzoo.reproduce.verdicts": ["Verdict"],
        },
    )
