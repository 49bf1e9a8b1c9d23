"""Refuse values of a spec that contradict each other. Each message says what to type instead. No torch here."""

from typing import TYPE_CHECKING

from resnetzoo.errors import UsageError
from resnetzoo.utils.validation import check_count, check_flag, check_real, check_whole_number

if TYPE_CHECKING:
    from resnetzoo.models.blocks.types import BlockType
    from resnetzoo.models.spec import ModelSpec


def check_groups(spec: "ModelSpec", kind: "BlockType") -> None:
    """Refuse groups in blocks of `kind` that cannot have them, and groups that would have no channels.

    Raises:
        UsageError: names the value.
    """
    for name, count, usual in (("groups", spec.groups, 1), ("width_per_group", spec.width_per_group, 64)):
        check_count(name, count)
        if count != usual and not kind.takes_groups:
            raise UsageError(f'{name} is only for bottleneck blocks: leave it out, or use block="bottleneck"')
    if any(width * spec.width_per_group < 64 for width in spec.widths):
        raise UsageError(f"width_per_group {spec.width_per_group} leaves no channel of widths {spec.widths}")


def check_dropout(spec: "ModelSpec", kind: "BlockType") -> None:
    """Refuse a rate outside [0, 1), and dropout in blocks of `kind` that have no place for it.

    Raises:
        UsageError: the rate is invalid or cannot be used.
    """
    check_real("drop_rate", spec.drop_rate)
    if not 0 <= spec.drop_rate < 1:
        raise UsageError(f"drop_rate must be a share from 0 to below 1, not {spec.drop_rate!r}")
    if spec.drop_rate and not kind.takes_dropout:
        raise UsageError("drop_rate is only for basic blocks, between their two convolutions: leave it out")


def check_order(spec: "ModelSpec", kind: "BlockType") -> None:
    """Refuse an order of norms and strides that the blocks of `kind` cannot have.

    Raises:
        UsageError: names the value.
    """
    check_flag("last_norm", spec.last_norm)
    if not kind.family.norm_first and (spec.projection_input != "activated" or not spec.last_norm):
        raise UsageError("last_norm and projection_input are only for pre-activation networks: leave them out")
    if spec.strided_conv is None:
        return
    check_whole_number("strided_conv", spec.strided_conv)
    if spec.strided_conv > kind.layers:
        raise UsageError(f"a {spec.block} block has {kind.layers} convolutions, not {spec.strided_conv}")


def check_shortcuts(spec: "ModelSpec") -> None:
    """Refuse shortcuts that the family does not have, and identity shortcuts that would have to remove channels.

    Raises:
        UsageError: names the value.
    """
    check_flag("zero_init_residual", spec.zero_init_residual)
    if not spec.has_shortcuts:
        _check_without(spec)
    elif spec.shortcut == "identity":
        _check_identity(spec)


def _check_without(spec: "ModelSpec") -> None:
    if spec.shortcut != "identity":
        raise UsageError(
            f'{spec.family} networks have no shortcuts, so not shortcut="{spec.shortcut}" either: leave it out'
        )
    if spec.zero_init_residual:
        raise UsageError(
            f"{spec.family} networks have no residual branch to start at zero: leave zero_init_residual out"
        )


def _check_identity(spec: "ModelSpec") -> None:
    if list(spec.widths) != sorted(spec.widths):
        raise UsageError(
            f"identity shortcuts pad with channels and cannot take any away: widths {spec.widths} "
            'must not fall; use shortcut="projection"'
        )
    first = spec.stages[0]
    if first.in_chans > first.out_chans:
        raise UsageError(
            f"identity shortcuts pad with channels and cannot take any away: stem_width {first.in_chans} is above "
            f'the {first.out_chans} channels of the first stage; use shortcut="projection"'
        )
