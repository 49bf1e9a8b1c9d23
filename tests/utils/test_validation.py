"""Numbers of other libraries are refused in words that are true, and that say what to write."""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from fractions import Fraction

import numpy as np
import pytest
import torch

import resnetzoo
from resnetzoo import analysis
from resnetzoo.errors import UsageError
from resnetzoo.utils.text import natural_order
from resnetzoo.utils.validation import check_kind, check_number, check_real, check_seed, check_whole_number

IMAGES = torch.zeros(2, 3, 8, 8)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
@pytest.mark.parametrize("check", [check_whole_number, lambda field, found: check_seed(found)], ids=["number", "seed"])
def test_an_integer_of_numpy_has_to_be_converted(kind: type, check: Callable[[str, object], None]) -> None:
    words = rf"^seed must be an int of Python, not .*5.* of the class numpy\.{kind.__name__}: write int\(\.\.\.\)$"
    with pytest.raises(UsageError, match=words):
        check("seed", kind(5))
    check("seed", int(kind(5)))


def test_a_class_of_the_same_name_is_named_with_its_library() -> None:
    with pytest.raises(UsageError, match=r"^official must be of the class bool, not (numpy\.bool|a bool_)$"):
        check_kind("official", np.bool_(True), bool)


@pytest.mark.parametrize("found", [np.float16(0.5), np.float32(0.5), np.int64(1), Fraction(1, 2)], ids=repr)
@pytest.mark.parametrize("check", [check_real, lambda field, found: check_number(field, found, 0, 1)])
def test_a_number_of_elsewhere_has_to_be_converted(found: object, check: Callable[[str, object], None]) -> None:
    name = f"{type(found).__module__}.{type(found).__name__}"
    words = rf"^rate must be an int or a float of Python, not .* of the class {name}: write float\(\.\.\.\)$"
    with pytest.raises(UsageError, match=words):
        check("rate", found)
    check("rate", float(found))  # type: ignore[arg-type]
    check("rate", np.float64(0.5))  # which is a float


@pytest.mark.parametrize("found", [True, np.True_, "5", 5.0, None, torch.tensor(5)], ids=repr)
def test_what_is_no_whole_number_is_called_none(found: object) -> None:
    with pytest.raises(UsageError, match=r"^count must be a whole number from 1, not "):
        check_whole_number("count", found)


CALLS: dict[str, Callable[[], object]] = {
    "num_classes": lambda: resnetzoo.create("resnet20", num_classes=np.int64(5)),  # type: ignore[arg-type]
    "in_chans": lambda: resnetzoo.create("resnet20", in_chans=np.int64(3)),  # type: ignore[arg-type]
    "seed": lambda: resnetzoo.synthetic(seed=np.int64(0)),  # type: ignore[arg-type]
    "input_size": lambda: resnetzoo.complexity("resnet20", input_size=np.int64(64)),  # type: ignore[arg-type]
    "drop_rate": lambda: resnetzoo.create("resnet20", drop_rate=np.float32(0.1)),  # type: ignore[arg-type]
    "span": lambda: analysis.loss_surface(
        resnetzoo.create("resnet8"),
        (IMAGES, torch.zeros(2, dtype=torch.int64)),
        span=np.float32(0.5),  # type: ignore[arg-type]
    ),
}


@pytest.mark.parametrize("field", CALLS)
def test_calls_say_it(field: str) -> None:
    with pytest.raises(
        UsageError, match=rf"^{field} must be an int.* of Python, not .* of the class numpy\..*: write "
    ):
        CALLS[field]()


@pytest.mark.parametrize("found", [10**5_000, -(10**5_000), [10**5_000]], ids=["large", "negative", "inside a list"])
def test_numbers_that_python_does_not_write_are_refused(found: object) -> None:
    said = "with thousands of digits"
    with pytest.raises(UsageError, match=rf"^count must be a whole number from 1 to 9, not .* {said}$"):
        check_whole_number("count", found, maximum=9)
    with pytest.raises(UsageError, match=rf"^rate must be .*, not .* {said}$"):
        check_number("rate", found, 0, math.inf)


def test_a_number_beyond_floats_is_not_finite() -> None:
    with pytest.raises(UsageError, match=r"^rate must be 0 or more, and finite, not 1000"):
        check_number("rate", 10**400, 0, math.inf)
    for finite in (0, 10**300, sys.float_info.max):
        check_number("rate", finite, 0, math.inf)


def test_names_of_long_numbers_are_put_in_order() -> None:
    in_order = ["a", "a20", "a110", f"a{19 * '9'}", f"a{5_000 * '8'}", f"a{5_000 * '9'}b", "b1"]
    assert sorted(set(in_order), key=natural_order) == in_order


@pytest.mark.parametrize(
    "made",
    [
        resnetzoo.ModelSpec("preactivation", 29, block="bottleneck", stem_width=8, groups=2, strided_conv=1),
        resnetzoo.ModelSpec("residual", 8, layers=(1, 1, 1), drop_rate=0.1, zero_init_residual=True),
        resnetzoo.recipes.HE2015,
        replace(resnetzoo.recipes.QUICK20, clip_norm=1.0, ema_decay=0.9, extended_at=(2,)),
    ],
    ids=["bottlenecks", "basic blocks", "HE2015", "QUICK20"],
)
def test_what_is_stored_is_refused_or_can_be_written_as_json(made: resnetzoo.ModelSpec | resnetzoo.Recipe) -> None:
    for field in fields(made):
        value = getattr(made, field.name)
        for scalar in (np.asarray(value)[()], np.True_, np.int64(1), np.float32(0.5), np.str_("plain")):
            try:
                other = replace(made, **{field.name: scalar})  # type: ignore[arg-type]
            except UsageError:
                continue
            json.dumps(other.to_dict())
