"""Marks on some cases of a parametrized test."""

from collections.abc import Container, Iterable

import pytest


def slow_if_in(slow: Container[object], cases: Iterable[object]) -> list[object]:
    """The cases for `pytest.mark.parametrize`; those that are in `slow` run with the slow tests alone."""
    return [pytest.param(case, marks=pytest.mark.slow) if case in slow else case for case in cases]
