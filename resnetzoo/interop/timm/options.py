"""The options that `timm.create_model` passes on to a network of the zoo."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from resnetzoo.errors import UsageError
from resnetzoo.interop.timm.network import stage_indices
from resnetzoo.models.spec import Shortcut


@dataclass(frozen=True)
class Options:
    """The options of a network; those left out are as registered, or as the weights determine.

    Attributes:
        num_classes: length of the logits; 0 for pooled features instead.
        in_chans: channels of the images.
        drop_rate: share of the pooled features that is dropped in training.
        global_pool: `avg`, or empty for the feature map itself, with `num_classes=0`.
        shortcut: `identity`, `projection` or `projection_all`.
        zero_init_residual: start each residual branch at zero.
        features_only: return the feature maps of stages instead of logits.
        out_indices: indices of the stages to return, from 0; a single number n means the last n.
        feature_cls: timm's class that extracts them, or its name: `list`, `dict`, `hook`, `fx` or `getter`.
        feature_cfg: more arguments of that class.
        pretrained_strict: whether the names in a file of weights must match exactly.
        pretrained_model_args: the arguments with which the network of a file from a hub was created.
    """

    num_classes: int | None = None
    in_chans: int | None = None
    drop_rate: float = 0.0
    global_pool: str | None = None
    shortcut: Shortcut | None = None
    zero_init_residual: bool = False
    features_only: bool = False
    out_indices: int | tuple[int, ...] | None = None
    feature_cls: str | type | None = None
    feature_cfg: Mapping[str, Any] | None = None
    pretrained_strict: bool = True
    pretrained_model_args: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Options":
        """The options with these names and values.

        Raises:
            UsageError: an unknown name; the message lists the known ones.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in found if name not in known]
        if unknown:
            raise UsageError(f"networks of resnetzoo have no {', '.join(unknown)}; they accept {', '.join(known[:10])}")
        return cls(**found)

    def feature_arguments(self, stages: int) -> dict[str, Any]:
        """The arguments of `timm.models.build_model_with_cfg` about features, for a network with this many stages.

        Raises:
            UsageError: `out_indices` that are not stages, or options about features without `features_only`.
        """
        wanted = {"out_indices": self.out_indices, "feature_cls": self.feature_cls}
        chosen = {**(self.feature_cfg or {}), **{name: value for name, value in wanted.items() if value is not None}}
        if not self.features_only:
            if chosen:
                raise UsageError(f"{', '.join(chosen)} without features_only=True")
            return {}
        return {
            "features_only": True,
            "feature_cfg": {**chosen, "out_indices": tuple(stage_indices(chosen.get("out_indices"), stages))},
        }
