"""Names of architectures that this package does not have, although they contain the name of one that it has.

Some have exactly the weights of a ResNet and compute something else with them: shakedropresnet20 of pytorchcv scales
each branch, resnetblur18 and resnetaa50 of timm subsample in another way. Only published variants are known here, since
people put all kinds of words before the names of their own networks.
"""

import re

from resnetzoo.models.spec import ModelSpec

_KNOWN = r"(?:pre[-_ ]?(?:act(?:ivation)?[-_ ]?)?|wide[-_ ]?)?res[-_ ]?ne(?:t|xt)"
_MIXED = r"shake[-_ ]?(?:drop|shake|even)|blur(?:[-_ ]?pool)?|anti[-_ ]?alias(?:ed|ing)?|fix[-_ ]?up|re[-_ ]?zero"
_ATTENTIVE = r"se|sk|cbam|bam"
# What comes before the word, as timm, pytorchcv and papers write it: short ones without a gap, since `oct` may be a
# month and `ca` a country, ...
_BEFORE = rf"(?:{_MIXED}|(?:fast|legacy[-_ ]?|sc)?se|sk|eca|c?bam|ibnb?|octave|isqrtcov|lambda|squeeze)[-_ ]?"
_GLUED_BEFORE = r"ca|gc|dia|csp|nf|oct|sha|bat(?:[-_ ]?(?=resnext))?"
# ... between it and the depth, where `d` may mean that, and after it, where `aa` may be AutoAugment.
_WITHIN = rf"[-_ ]?(?:{_MIXED}|{_ATTENTIVE}|eca)(?=[-_ ]?\d)"
_GLUED_WITHIN = r"(?:aa|rs|d|a?bc)(?=\d)"
_BEHIND = rf"{_MIXED}|{_ATTENTIVE}"
_FOREIGN = re.compile(
    rf"(?<![a-z])(?:{_BEFORE}|{_GLUED_BEFORE}){_KNOWN}"
    rf"|{_KNOWN}(?:{_WITHIN}|{_GLUED_WITHIN})"
    rf"|{_KNOWN}[-_ ]?\d[\da-z]*(?:[-_ ][\dx]+d?)?[-_ ](?:{_BEHIND})(?![a-z])"
)


def foreign_architecture(word: str) -> str | None:
    """The name of a published architecture that this package does not have, in `word`; None if there is none.

    >>> foreign_architecture("resnetblur18")
    'resnetblur'
    >>> foreign_architecture("my_resnet20_run3")
    """
    found = _FOREIGN.search(word.lower())
    return found[0] if found else None


def loaded_all_the_same(spec: ModelSpec) -> str:
    """The warning about weights of such an architecture that fit `spec`, to follow the name of the architecture."""
    return (
        f"another architecture than {spec.label}, as which it was loaded since its names and shapes are the same: its "
        "outputs may differ from those of the code that trained it"
    )
