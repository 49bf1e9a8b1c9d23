"""The reproducible targets, each a frozen row of networks, recipe, seeds and claims."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise

from resnetzoo.models.registry import get_spec
from resnetzoo.models.spec import ModelSpec, Shortcut
from resnetzoo.reproduce.claims import Above, AtMost, Claim, Lower
from resnetzoo.reproduce.published import AKAMASTER_ERRORS, CHENYAOFO_ERRORS, PAPER_ERRORS, RESNET110_MEAN
from resnetzoo.reproduce.source_document import SOURCE_ERRORS
from resnetzoo.training.presets import HE2015, MODERN, QUICK20
from resnetzoo.training.recipes import Recipe
from resnetzoo.utils.lookup import look_up


@dataclass(frozen=True)
class Network:
    """A network of the zoo by name, with its default shortcut or another one."""

    name: str
    shortcut: Shortcut | None = None

    def spec(self, num_classes: int = 10) -> ModelSpec:
        """The spec for data with this many classes."""
        spec = replace(get_spec(self.name), num_classes=num_classes)
        return replace(spec, shortcut=self.shortcut) if self.shortcut else spec


@dataclass(frozen=True)
class Target:
    """A table, figure or comparison.

    Attributes:
        name: the name that users type.
        title: its title in headings.
        source: where it was published.
        networks: the networks to train.
        on_request: networks that take days, trained only if their depth is requested.
        recipe: recipe of the full budget.
        short_recipe: recipe of the short budget.
        seeds: number of seeds per network in the full budget.
        claims: the claims that the runs decide; those about networks on request count only if these are requested.
        by_epoch: whether the report shows the accuracy of each epoch.
        layers: whether the report measures responses and gradients by layer.
    """

    name: str
    title: str
    source: str
    networks: tuple[Network, ...]
    recipe: Recipe
    short_recipe: Recipe
    seeds: int
    claims: tuple[Claim, ...]
    on_request: tuple[Network, ...] = ()
    by_epoch: bool = False
    layers: bool = False

    def claims_for(self, labels: Collection[str]) -> tuple[Claim, ...]:
        """The claims for runs of the networks with these labels.

        Claims about networks on request are left out, unless these are among the labels.
        """
        left_out = {network.spec().label for network in self.on_request}.difference(labels)
        return tuple(claim for claim in self.claims if left_out.isdisjoint(claim.networks))


_DEPTHS = (20, 32, 44, 56, 110)
_PLAIN = tuple(Network(f"plainnet{depth}") for depth in _DEPTHS)
_RESIDUAL = tuple(Network(f"resnet{depth}") for depth in _DEPTHS)


def _falls_with_depth(family: str, depths: tuple[int, ...]) -> tuple[Lower, ...]:
    return tuple(
        Lower(f"{deep} layers do better than {shallow}, residual", f"{family}{deep}", f"{family}{shallow}")
        for shallow, deep in pairwise(depths)
    )


def _rises_with_depth(family: str, depths: tuple[int, ...]) -> tuple[Lower, ...]:
    return tuple(
        Lower(f"{deep} layers do worse than {shallow}, plain", f"{family}{shallow}", f"{family}{deep}")
        for shallow, deep in pairwise(depths)
    )


def _residual_beats_plain(depths: tuple[int, ...]) -> tuple[Lower, ...]:
    return tuple(
        Lower(f"residual beats plain at {depth} layers", f"resnet{depth}", f"plainnet{depth}") for depth in depths
    )


_SOURCE = Target(
    name="source",
    title="A sequential and a residual network, 20 epochs",
    source="the source document: 81.13 % against 85.69 % of the test images",
    networks=(Network("plainnet20"), Network("resnet20")),
    recipe=QUICK20,
    short_recipe=QUICK20.with_epochs(5),
    seeds=3,
    claims=(
        *_residual_beats_plain((20,)),
        AtMost(
            "the plain network errs no more than the source's sequential one", "plainnet20", SOURCE_ERRORS["plainnet20"]
        ),
        AtMost("the residual network errs no more than the source's", "resnet20", SOURCE_ERRORS["resnet20"]),
    ),
    by_epoch=True,
)

_TABLE6 = Target(
    name="table6",
    title="Residual networks of 20 to 110 layers",
    source="arXiv:1512.03385, table 6",
    networks=_RESIDUAL,
    on_request=(Network("resnet1202"),),
    recipe=HE2015,
    short_recipe=QUICK20,
    seeds=5,
    claims=(
        *(
            AtMost(f"{name} errs no more than the paper's", name, PAPER_ERRORS[name])
            for name in ("resnet20", "resnet32", "resnet44", "resnet56", "resnet1202")
        ),
        AtMost("resnet110 errs no more than the mean of the paper's five runs", "resnet110", RESNET110_MEAN),
        *(AtMost(f"{name} errs no more than akamaster's", name, error) for name, error in AKAMASTER_ERRORS.items()),
        *_falls_with_depth("resnet", _DEPTHS),
    ),
)

_FIGURE6 = Target(
    name="figure6",
    title="Training and test error of plain and residual networks by depth",
    source="arXiv:1512.03385, figure 6",
    networks=(*_PLAIN, *_RESIDUAL),
    recipe=HE2015,
    short_recipe=QUICK20,
    seeds=3,
    claims=(
        Lower("plain-56 is worse than plain-20", "plainnet20", "plainnet56"),
        *_rises_with_depth("plainnet", (20, 32, 44, 56)),
        Above("plain-110 fails: its error is above 60 %", "plainnet110", 60.0),
        Lower("residual-56 is better than residual-20", "resnet56", "resnet20"),
        *_falls_with_depth("resnet", _DEPTHS),
        *_residual_beats_plain(_DEPTHS),
    ),
)

_FIGURE7 = Target(
    name="figure7",
    title="Standard deviations of layer responses",
    source="arXiv:1512.03385, figure 7",
    networks=tuple(Network(name) for name in ("plainnet20", "plainnet56", "resnet20", "resnet56", "resnet110")),
    recipe=HE2015,
    short_recipe=QUICK20,
    seeds=3,
    claims=(
        Lower("residual responses are below plain ones at 20 layers", "resnet20", "plainnet20", "response std"),
        Lower("residual responses are below plain ones at 56 layers", "resnet56", "plainnet56", "response std"),
        Lower("residual responses at 56 layers are below those at 20", "resnet56", "resnet20", "response std"),
        Lower("residual responses at 110 layers are below those at 56", "resnet110", "resnet56", "response std"),
    ),
    layers=True,
)

_SHORTCUTS = Target(
    name="shortcuts",
    title="Shortcut options A, B and C",
    source="the options of arXiv:1512.03385, section 3.3 and table 3 (there on ImageNet: C best, then B, then A)",
    networks=tuple(
        Network(name, shortcut)
        for name in ("resnet20", "resnet56")
        for shortcut in ("identity", "projection", "projection_all")
    ),
    recipe=HE2015,
    short_recipe=QUICK20,
    seeds=3,
    claims=tuple(
        Lower(f"{words} at {depth} layers", f"resnet{depth} ({better})", f"resnet{depth}{worse}")
        for depth in (20, 56)
        for words, better, worse in (
            ("projections where the shape changes (B) beat identity (A)", "projection", ""),
            ("projections everywhere (C) beat B", "projection_all", " (projection)"),
        )
    ),
)

_PREACTIVATION = Target(
    name="preactivation",
    title="Original against pre-activation residual networks",
    source="arXiv:1603.05027, table 2",
    networks=tuple(Network(f"{family}{depth}") for depth in (56, 110, 164) for family in ("resnet", "preresnet")),
    recipe=HE2015,
    short_recipe=QUICK20,
    seeds=3,
    claims=(
        Lower("pre-activation is better at 56 layers", "preresnet56", "resnet56"),
        Lower("pre-activation is better at 110 layers", "preresnet110", "resnet110"),
        Lower("pre-activation is better at 164 layers", "preresnet164", "resnet164"),
        *(
            AtMost(f"{name} errs no more than the paper's", name, PAPER_ERRORS[name])
            for name in ("preresnet110", "preresnet164")
        ),
    ),
)

_MODERN = Target(
    name="modern",
    title="Residual networks with a modern recipe, 200 epochs",
    source="chenyaofo/pytorch-cifar-models, README",
    networks=tuple(Network(f"resnet{depth}", "projection") for depth in (20, 32, 44, 56)),
    recipe=MODERN.with_epochs(200),
    short_recipe=MODERN.with_epochs(20),
    seeds=3,
    claims=tuple(
        AtMost(f"{name} errs no more than chenyaofo's", name, error) for name, error in CHENYAOFO_ERRORS.items()
    ),
)

_WEIGHTS = Target(
    name="weights",
    title="The networks whose weights are in the package, 60 epochs",
    source="our own: hours of one CPU core each; seed 0 is packaged, whatever its error",
    networks=(Network("plainnet20"), Network("resnet20"), Network("resnet32"), Network("resnet56")),
    recipe=MODERN,
    short_recipe=MODERN.with_epochs(20),
    seeds=1,
    claims=(*_residual_beats_plain((20,)), *_falls_with_depth("resnet", (20, 32, 56))),
    by_epoch=True,
)

_REPEATABILITY = Target(
    name="repeatability",
    title="One epoch, to be repeated to the last digit on a CPU",
    source="our own: the first thing to compare on another machine, in fp32 on a CPU",
    networks=tuple(Network(name) for name in ("plainnet20", "resnet20", "plainnet56", "resnet56")),
    recipe=QUICK20.with_epochs(1),
    short_recipe=QUICK20.with_epochs(1),
    seeds=1,
    claims=(),
    by_epoch=True,
)

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (_SOURCE, _TABLE6, _FIGURE6, _FIGURE7, _SHORTCUTS, _PREACTIVATION, _MODERN, _WEIGHTS, _REPEATABILITY)
}
"""The targets by name."""


def get_target(name: str) -> Target:
    """The target with this name.

    Raises:
        UsageError: there is no such target; the message lists all targets.
    """
    return look_up("target", name, TARGETS)
