"""A network of the zoo with the interface of timm's models. Its weights keep their names."""

from collections.abc import Sequence
from operator import index
from typing import Any, SupportsIndex

import torch
from timm.models import checkpoint_seq
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.errors import UsageError
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.spec import ModelSpec
from resnetzoo.utils.text import brief
from resnetzoo.utils.validation import check_number

Indices = int | Sequence[int] | None  # of stages, as timm writes them


class TimmCifarNet(CifarNet):
    """A CIFAR network that timm can adapt, take features from, group, checkpoint and train.

    Shapes are those of `CifarNet`; without pooling and classifier, images (N, in_chans, H, W) -> feature map
    (N, num_features, H/r, W/r), rounded up, where r is `spec.reductions[-1]`: 4 for three stages, 8 for four.

    Args:
        spec: what to build.
        drop_rate: share of the pooled features that is dropped in training, before the classifier.

    Attributes:
        global_pool: `avg`, or empty if there is neither pooling nor classifier.
        head_hidden_size: number of channels that enter the classifier.
        feature_info: for each stage its channels (`num_chs`), how much smaller than the image it is (`reduction`), and
            its name (`module`).
        grad_checkpointing: whether blocks are recomputed in the backward pass instead of stored.

    Raises:
        UsageError: `drop_rate` is not a number from 0 to 1.
    """

    def __init__(self, spec: ModelSpec, *, drop_rate: float = 0.0) -> None:
        super().__init__(spec)
        check_number("drop_rate", drop_rate, 0, 1)
        self.drop_rate = float(drop_rate)
        self.global_pool = "avg"
        self.head_hidden_size = self.num_features
        self.grad_checkpointing = False
        self.feature_info = _feature_info(spec)

    def forward_features(self, images: Tensor) -> Tensor:
        """Same as `CifarNet.forward_features`."""
        x = self.forward_stem(images)
        if self.grad_checkpointing and not torch.jit.is_scripting():  # type: ignore[attr-defined]
            x = self._checkpointed(x)
        else:
            x = self.forward_stages(x)
        return self.forward_end(x)

    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        """Same as `CifarNet.forward_head`; without pooling the feature map itself."""
        x = features
        if self.global_pool:
            x = self.avgpool(x).flatten(1)  # (N, num_features)
        if self.drop_rate > 0:
            x = F.dropout(x, p=self.drop_rate, training=self.training)
        if pre_logits:
            return x
        logits: Tensor = self.fc(x)
        return logits

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the classifier with a new one, or remove it if `num_classes` is 0.

        Args:
            num_classes: length of the logits.
            global_pool: `avg`, or empty for the feature map itself (only without classifier); unchanged if None.

        Raises:
            UsageError: another pooling, a classifier without pooling, or an invalid number of classes.
        """
        pool = self.global_pool if global_pool is None else global_pool
        if pool not in ("avg", ""):
            raise UsageError(f'global_pool must be "avg", or "" for none, not {pool!r}')
        if not pool and num_classes:
            raise UsageError('a classifier needs pooled features: global_pool="avg", or num_classes=0')
        super().reset_classifier(num_classes)
        self.global_pool = pool

    def forward_intermediates(
        self,
        x: Tensor,
        indices: Indices = None,
        norm: bool = False,
        stop_early: bool = False,
        output_fmt: str = "NCHW",
        intermediates_only: bool = False,
    ) -> list[Tensor] | tuple[Tensor, list[Tensor]]:
        """The outputs of the stages, with or without the last features.

        Args:
            x: images (N, in_chans, H, W).
            indices: indices of the stages, from 0; a single number n means the last n, None means all.
            norm: apply a pre-activation network's last norm to its last stage; other networks have no such norm.
            stop_early: do not compute the stages after the last requested one.
            output_fmt: the layout of the outputs; only NCHW is supported.
            intermediates_only: return only the outputs of the stages, without the last features.

        Raises:
            UsageError: there is no such stage, indices are not whole numbers, or another `output_fmt`.
        """
        if output_fmt != "NCHW":
            raise UsageError(f"feature maps are NCHW, so output_fmt={str(output_fmt)!r} is not supported")
        taken = stage_indices(indices, len(self.stage_names))
        stages = self._stages()[: max(taken) + 1 if stop_early else None]
        x = self.forward_stem(x)
        maps = []
        for stage in stages:
            x = checkpoint_seq(stage, x) if self.grad_checkpointing else stage(x)
            maps.append(x)
        complete = len(stages) == len(self.stage_names)
        final = self.forward_end(x) if complete else x
        if norm and complete:
            maps[-1] = final
        intermediates = [found for stage, found in enumerate(maps) if stage in taken]
        return intermediates if intermediates_only else (final, intermediates)

    def prune_intermediate_layers(
        self, indices: Indices = 1, prune_norm: bool = False, prune_head: bool = True
    ) -> list[int]:
        """Remove everything that these stages do not need, and return their indices, counted from the first stage.

        Args:
            indices: the stages to keep, as in `forward_intermediates`.
            prune_norm: remove the last norm.
            prune_head: remove pooling and classifier; they are removed in any case if a stage before them is.

        Raises:
            UsageError: there is no such stage, or indices are not whole numbers.
        """
        taken = stage_indices(indices, len(self.stage_names))
        last = max(taken)
        shorter = last + 1 < len(self.stage_names)
        for name in self.stage_names[last + 1 :]:
            setattr(self, name, nn.Sequential())
        if prune_norm or shorter:
            self._without_end()
        if shorter:
            self.num_features = self.head_hidden_size = self.feature_info[last]["num_chs"]
        if prune_head or shorter:
            self.reset_classifier(0, "")
        return taken

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Recompute blocks in the backward pass instead of storing their results: less memory, more time."""
        self.grad_checkpointing = enable

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Patterns that group parameters by layer: the stem, then each block, or each stage if `coarse`."""
        blocks = [(r"^layer(\d+)" if coarse else r"^layer(\d+)\.(\d+)", None), (r"^bn\.", (99999,))]
        return {"stem": r"^(?:conv1|bn1)\.", "blocks": blocks}

    def no_weight_decay(self) -> set[str]:
        """The names of parameters without weight decay: an empty set, since weight decay applies to all of them."""
        return set()

    def _stages(self) -> list[nn.Module]:
        return [self.get_submodule(name) for name in self.stage_names]

    def _without_end(self) -> None:
        if self.preactivation:
            self.bn, self.relu = nn.Identity(), nn.Identity()

    @torch.jit.unused
    def _checkpointed(self, x: Tensor) -> Tensor:
        """Run the stages and store only the inputs of the blocks."""
        y: Tensor = checkpoint_seq(self._stages(), x, flatten=True)
        return y


def _feature_info(spec: ModelSpec) -> list[dict[str, Any]]:
    return [
        {"num_chs": stage.out_chans, "reduction": reduction, "module": stage.name}
        for stage, reduction in zip(spec.stages, spec.reductions, strict=True)
    ]


def stage_indices(indices: Indices, count: int) -> list[int]:
    """The indices of the selected stages out of `count`, from 0: all, the last n, or by index, -1 for the last.

    Raises:
        UsageError: there is no such stage, or indices are not whole numbers.
    """
    if indices is None:
        return list(range(count))
    wanted = _whole_numbers(indices)
    if isinstance(wanted, int):
        if not 0 < wanted <= count:
            raise UsageError(f"the networks have {count} stages, so the last {wanted} are not available")
        return list(range(count - wanted, count))
    if not wanted or any(not -count <= one < count for one in wanted):
        raise UsageError(f"the networks have {count} stages, with the indices 0 to {count - 1}, not {tuple(wanted)}")
    return [one % count for one in wanted]


def _whole_numbers(indices: Any) -> int | list[int]:
    """The number or numbers as plain integers, also those of numpy and those in an array.

    Raises:
        UsageError: they are something else.
    """
    try:
        if isinstance(indices, SupportsIndex) and not getattr(indices, "ndim", 0):
            return index(indices)
        return [index(one) for one in indices]
    except TypeError:
        raise UsageError(
            f"indices of stages must be whole numbers, such as [0, 2], or how many of the last, not {brief(indices)}"
        ) from None
