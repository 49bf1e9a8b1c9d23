"""Parse the network names that training scripts write into their checkpoints."""

import re
from typing import NamedTuple

from resnetzoo.errors import UnknownModelError
from resnetzoo.models.blocks.types import BLOCKS
from resnetzoo.models.registry import get_spec
from resnetzoo.models.spec import Block, Family, ModelSpec, Shortcut
from resnetzoo.weights.checkpoint.infer_spec import is_also_plain

# What may stand before the name: whose it is, for which data, in which wrapper. Any other word may change its meaning.
_BEFORE = re.compile(
    r"(?:.*[/:])?(?:(?:resnetzoo|models?|nets?|arch|module|cifar(?:100?)?|c100?|torchvision|timm|pytorchcv|chenyaofo"
    r"|akamaster|bearpaw|dataparallel|distributeddataparallel|ddp|my)[-_. (]*)*"
)
_NAME = re.compile(
    r"(?P<kind>plain(?:[-_ ]?(?:res)?net)?|pre[-_ ]?act(?:ivation)?(?:[-_ ]?resnet)?|pre[-_ ]?resnet|resnet)"
    r"(?P<version>[-_ ]?v[12](?=[-_ ]))?"
    r"(?:[-_ ]?(?P<depth>\d{1,4})(?P<bottleneck>bn)?(?:x\d+)?)?(?=[-_. ()]|$)(?P<rest>.*)"
)
_OPTION = re.compile(r"option[-_ ]?([abc])(?![a-z])|[-_ (](projection_all|projection|identity)(?![a-z])")
_OPTIONS: dict[str, Shortcut] = {"a": "identity", "b": "projection", "c": "projection_all"}
_NO_SHORTCUTS = re.compile(r"[-_ ]plain(?![a-z])|(?:no|wo|without)[-_ ]?(?:skip|shortcut|residual)")
_SECOND_VERSION = re.compile(r"[-_ ]v2(?!\d)")
_FAMILIES: dict[str, Family] = {"residual": "residual", "plain": "plain", "preactivation": "preactivation"}


class NetworkName(NamedTuple):
    """What a name says about a network; None for what it leaves open.

    Attributes:
        word: the name, as it was found.
        family: of the network.
        depth: in layers.
        shortcut: on its shortcuts.
        block: of its stages.
    """

    word: str
    family: Family
    depth: int | None = None
    shortcut: Shortcut | None = None
    block: Block | None = None

    def fits(self, spec: ModelSpec) -> bool:
        """Whether weights with the names and shapes of `spec` may belong to a network of this name."""
        return (
            (self.family == spec.family or (self.family == "plain" and is_also_plain(spec)))
            and self.depth in (None, spec.depth)
            and self.shortcut in (None, spec.shortcut)
            and self.block in (None, spec.block)
        )


def parse_network_name(word: str) -> NetworkName | None:
    """What `word` says about a network; None if it is neither a registered name nor a common spelling of one.

    >>> parse_network_name("module.PreActResNet20_cifar10").family
    'preactivation'
    >>> parse_network_name("vgg16")
    """
    text = word.strip()
    registered = text.removeprefix("resnetzoo_").removeprefix("resnetzoo/")
    for name in (registered, registered.split(".")[0]):  # the latter of a row of weights
        try:
            spec = get_spec(name)
        except UnknownModelError:
            continue
        return NetworkName(word, spec.family, spec.depth)
    return _parse_written(word, text.lower())


def _parse_written(word: str, text: str) -> NetworkName | None:
    if text in _FAMILIES:
        return NetworkName(word, _FAMILIES[text])
    start = _BEFORE.match(text)
    found = _NAME.fullmatch(text, start.end() if start else 0)
    if found is None:
        return None
    kind, depth, rest = found["kind"], found["depth"], found["rest"]
    if kind == "resnet" and (depth is None or _SECOND_VERSION.search(rest)):
        return None  # of any kind, and of a second version of the paper or of somebody's experiment
    option = _OPTION.search(rest)
    return NetworkName(
        word,
        _family(kind, found["version"] or "", rest),
        int(depth) if depth else None,
        None if option is None else _OPTIONS.get(option[1]) or _shortcut(option[2]),
        BLOCKS[1] if found["bottleneck"] or "bottleneck" in rest else None,
    )


def _family(kind: str, version: str, rest: str) -> Family:
    if kind.startswith("plain") or (kind == "resnet" and _NO_SHORTCUTS.search(rest)):
        return "plain"
    return "preactivation" if kind.startswith("pre") or version.endswith("2") else "residual"


def _shortcut(word: str) -> Shortcut | None:
    return next((shortcut for shortcut in _OPTIONS.values() if shortcut == word), None)
