"""One body for every registered name: the duties of its row, and of its thin twin."""

import functools
from collections.abc import Callable

import pytest
from cases import ALL, DEEPEST, EVERY_KIND, PARAMS, THIN, TWINS, WIDE
from duties import OF_THE_ROW, OF_THE_TWIN, Spec, costs, exporting, tracing

once = functools.cache(lambda duty, spec: duty(spec))  # what fails is not kept, and fails for each name

ALWAYS_TRACED = ("plainnet20", "resnet20")  # for the others, slow tests trace
ALWAYS_EXPORTED = ("resnet20",)  # and export


def marks_of(name: str, duty: Callable[..., None]) -> list[pytest.MarkDecorator]:
    """`slow` where a duty takes seconds and others in the usual tests do the same work."""
    slow = {
        exporting: name not in ALWAYS_EXPORTED,
        tracing: name not in ALWAYS_TRACED,
        costs: name in DEEPEST,
    }
    return [pytest.mark.slow] if slow.get(duty) else []


CASES = [
    pytest.param(name, duty, id=f"{name}-{duty.__name__}", marks=marks_of(name, duty))
    for name in ALL
    for duty in (*OF_THE_ROW, *OF_THE_TWIN)
]


@pytest.mark.parametrize(("name", "duty"), CASES)
def test_every_name(name: str, duty: Callable[..., None]) -> None:
    if duty in OF_THE_ROW:
        duty(name)
    else:
        once(duty, TWINS[name])


# Other shortcuts, dropout and group norm; of these one alone is exported, which takes seconds.
BESIDE = [spec for spec in EVERY_KIND if spec not in TWINS.values()]
EXPORTED = THIN["group norm first"]


@pytest.mark.parametrize(
    ("spec", "duty"),
    [
        pytest.param(spec, duty, marks=[pytest.mark.slow] if duty in (exporting, tracing) else [])
        for spec in BESIDE
        for duty in OF_THE_TWIN
        if duty is not exporting or spec == EXPORTED
    ],
    ids=lambda case: f"{case.label}-{case.shortcut}" if isinstance(case, Spec) else case.__name__,
)
def test_what_a_spec_may_say_beside(spec: Spec, duty: Callable[[Spec], None]) -> None:
    duty(spec)


def test_every_name_is_pinned() -> None:
    assert sorted(PARAMS) == sorted(ALL)
    assert set(DEEPEST + WIDE) < set(ALL)
