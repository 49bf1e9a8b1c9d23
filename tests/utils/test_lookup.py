"""What people are told of a name that is none."""

import pytest

from resnetzoo.errors import UsageError
from resnetzoo.utils.lookup import look_up, near_or_all
from resnetzoo.utils.validation import check_choice

ROWS = {"fast": 1, "slow": 2}


def test_a_name_is_looked_up_or_all_are_told() -> None:
    assert look_up("speed", "slow", ROWS) == 2
    with pytest.raises(UsageError, match=r'^unknown speed "medium"; known: fast, slow$'):
        look_up("speed", "medium", ROWS)


def test_of_many_names_the_near_ones_are_told() -> None:
    assert near_or_all("resent56", ["resnet56", "resnet20", "plainnet56"]).startswith("did you mean resnet56 or ")
    assert near_or_all("vgg", ["resnet56", "plainnet56"]) == "known: resnet56, plainnet56"


@pytest.mark.parametrize(("found", "said"), [("medium", '"medium"'), (3, "3"), (None, "None")])
def test_a_word_is_one_of_few(found: object, said: str) -> None:
    check_choice("speed", "fast", ROWS)
    with pytest.raises(UsageError, match=f"^speed must be one of fast, slow, not {said}$"):
        check_choice("speed", found, ROWS)
