"""Parse the network names that training scripts write into their checkpoints."""

import re
from typing import NamedTuple

from resnetzoo.errors import UnknownModelError
from resnetzoo.models.blocks.types import BLOCKS, find_block_type
from resnetzoo.models.registry import get_spec
from resnetzoo.models.series import find_series, scaled_widths
from resnetzoo.models.spec import Block, Family, ModelSpec, Shortcut
from resnetzoo.weights.checkpoint.foreign_name import foreign_architecture
from resnetzoo.weights.checkpoint.infer_spec import is_also_plain
from resnetzoo.weights.checkpoint.structure import Structure, structure_of

# What may come before the name: its author, its dataset, its wrapper. Any other word may change its meaning.
_BEFORE = re.compile(
    r"(?:.*[/:])?(?:(?:resnetzoo|models?|nets?|arch|module|cifar(?:100?)?|c100?|torchvision|timm|pytorchcv|chenyaofo"
    r"|akamaster|bearpaw|dataparallel|distributeddataparallel|ddp|my)[-_. (]*)*"
)
_NAME = re.compile(
    r"(?P<kind>plain(?:[-_ ]?(?:res)?net)?|pre[-_ ]?act(?:ivation)?(?:[-_ ]?resnet)?|pre[-_ ]?resnet|resnet)"
    r"(?P<version>[-_ ]?v[12](?=[-_ ]))?"
    r"(?:[-_ ]?(?P<depth>\d{1,4})(?P<bottleneck>bn)?(?:x(?P<factor>\d{1,3}))?)?(?=[-_. ()]|$)(?P<rest>.*)"
)
_WIDTHS_IN_NAME = re.compile(r"\dx\d|wrn|wide")
_OPTION = re.compile(r"option[-_ ]?([abc])(?![a-z])|[-_ (](projection_all|projection|identity)(?![a-z])")
_OPTIONS: dict[str, Shortcut] = {"a": "identity", "b": "projection", "c": "projection_all"}
_NO_SHORTCUTS = re.compile(r"[-_ ]plain(?![a-z])|(?:no|wo|without)[-_ ]?(?:skip|shortcut|residual)")
_THREE_STAGES = re.compile(r"three[-_ ]stages")  # in labels if a network of four stages has the same depth
_SECOND_VERSION = re.compile(r"[-_ ]v2(?!\d)")
_FAMILIES: dict[str, Family] = {"residual": "residual", "plain": "plain", "preactivation": "preactivation"}


class NetworkName(NamedTuple):
    """What a name says about a network; None for what it leaves open.

    Attributes:
        word: the name, as it was found.
        family: family of the network.
        depth: number of layers.
        shortcut: kind of its shortcuts.
        block: kind of its blocks, if the name states it, as `resnet164bn` does.
        structure: structure of its stages, from the network that the name means.
    """

    word: str
    family: Family
    depth: int | None = None
    shortcut: Shortcut | None = None
    block: Block | None = None
    structure: Structure = Structure()

    def fits(self, spec: ModelSpec) -> bool:
        """Whether weights with the names and shapes of `spec` may belong to a network of this name."""
        return self.is_label_of(spec) or (self._fits_but_for_stages(spec) and self.structure.difference(spec) is None)

    def difference(self, spec: ModelSpec) -> tuple[str, str] | None:
        """How the stages differ from those of `spec`, if nothing else does; see `Structure.difference`."""
        known = self._fits_but_for_stages(spec) and not self.is_label_of(spec)
        return self.structure.difference(spec) if known else None

    def is_label_of(self, spec: ModelSpec) -> bool:
        """Whether it is what this package calls that very network: `resnet164 (basic blocks)`."""
        return self.word.strip() == spec.label

    def _fits_but_for_stages(self, spec: ModelSpec) -> bool:
        return (
            (self.family == spec.family or (self.family == "plain" and is_also_plain(spec)))
            and self.depth in (None, spec.depth)
            and self.shortcut in (None, spec.shortcut)
            and self.block in (None, spec.block)
        )


def parse_network_name(word: str) -> NetworkName | None:
    """What `word` says about a network; None if it is neither a registered name nor a common spelling of one.

    The result is also None for other architectures, such as `resnet20_shakedrop`.

    >>> parse_network_name("module.PreActResNet20_cifar10").family
    'preactivation'
    >>> parse_network_name("vgg16")
    """
    text = word.strip()
    registered = text.removeprefix("resnetzoo_").removeprefix("resnetzoo/")
    for name in (registered, registered.split(".")[0]):  # the latter for the name of a row of weights
        if spec := _registered(name):
            return _of_spec(word, name, spec)
    return None if foreign_architecture(word) else _parse_written(word, text.lower())


def _parse_written(word: str, text: str) -> NetworkName | None:
    if text in _FAMILIES:
        return NetworkName(word, _FAMILIES[text])
    start = _BEFORE.match(text)
    name = text[start.end() :] if start else text
    found = _NAME.fullmatch(name)
    if found is None:
        return _of_series(word, name)
    kind, depth, rest = found["kind"], found["depth"], found["rest"]
    if kind == "resnet" and (depth is None or _SECOND_VERSION.search(rest)):
        return None  # any ResNet, or a second version: of the paper, or of a user's experiment
    option = _OPTION.search(rest)
    family = _family(kind, found["version"] or "", rest)
    block = BLOCKS[1] if found["bottleneck"] or "bottleneck" in rest else None
    shortcut = None if option is None else _OPTIONS.get(option[1]) or _shortcut(option[2])
    structure = Structure() if _THREE_STAGES.search(rest) else _known_stages(family, depth, found["factor"], block)
    return NetworkName(word, family, int(depth) if depth else None, shortcut, block, structure)


def _of_series(word: str, name: str) -> NetworkName | None:
    """A Wide ResNet, a ResNeXt or the like of any size; None if the name belongs to no series."""
    found = find_series(name)
    if found is None or not re.match(r"[-_. ()]|$", found.rest):
        return None
    spec = _registered(found.registered)
    if spec is None and found.b:  # not its stages: a depth such as that of resnext101 can be one of three or of four
        return NetworkName(word, "residual", found.depth, structure=Structure(BLOCKS[1], groups=(found.a, found.b)))
    if spec is None and found.is_valid:
        spec = found.spec
    return None if spec is None else _of_spec(word, found.registered, spec)


def _known_stages(family: Family, depth: str | None, factor: str | None, block: Block | None) -> Structure:
    """The stages of the registered network that has these words in its name, or what the factor of widths says."""
    name = f"{find_block_type(family, BLOCKS[0]).prefix}{depth}{f'x{factor}' if factor else ''}"
    spec = _registered(name)
    if spec is not None and block in (None, spec.block):
        return _stages(name, spec)
    return Structure(widths=scaled_widths(int(factor)) if factor else None)


def _of_spec(word: str, name: str, spec: ModelSpec) -> NetworkName:
    # Wide ResNets count other layers than the weights of a narrow one show; their stages say everything.
    return NetworkName(word, spec.family, None if spec.is_wide else spec.depth, structure=_stages(name, spec))


def _stages(name: str, spec: ModelSpec) -> Structure:
    return structure_of(spec, named_widths=_WIDTHS_IN_NAME.search(name) is not None and spec.groups == 1)


def _registered(name: str) -> ModelSpec | None:
    try:
        return get_spec(name)
    except UnknownModelError:
        return None


def _family(kind: str, version: str, rest: str) -> Family:
    if kind.startswith("plain") or (kind == "resnet" and _NO_SHORTCUTS.search(rest)):
        return "plain"
    return "preactivation" if kind.startswith("pre") or version.endswith("2") else "residual"


def _shortcut(word: str) -> Shortcut | None:
    return next((shortcut for shortcut in _OPTIONS.values() if shortcut == word), None)
