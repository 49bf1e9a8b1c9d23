"""The network that a spec describes: a 3x3 stem, stages of blocks, global average pooling, a classifier."""

import copy
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

import torch
import torch.fx
from torch import Tensor, nn

from resnetzoo.data.transforms import ImageTransform
from resnetzoo.errors import UsageError
from resnetzoo.models.blocks.modules import build_block, conv2d, norm2d, norm_of
from resnetzoo.models.ends import channels_into, length_of_logits
from resnetzoo.models.pretrained import DescribesWeights, Pretrained
from resnetzoo.models.spec import ModelSpec
from resnetzoo.utils.modules import check_picklable, copies_of_computed, device_of, input_dtype
from resnetzoo.utils.text import counted, kind_of

if TYPE_CHECKING:
    from PIL.Image import Image


class CifarNet(DescribesWeights, nn.Module):
    """A network for small images, such as those of CIFAR, built from a `ModelSpec`.

    Shapes: images (N, in_chans, H, W), float, normalized -> logits (N, num_classes). Images of any height and width
    work, except that torch refuses a single image of which a group norm has one value per group, such as one of 2 x 2
    pixels in `resnet20`. The last feature map has H and W divided by `spec.reductions[-1]`, rounded up. At H = W = 32
    the three stages of the networks of arXiv:1512.03385, section 4.2, work at 32, 16 and 8 pixels, and the four stages
    of `resnet18` at 32, 16, 8 and 4.

    Names follow torchvision: `conv1`, `bn1`, `relu`, `layer1.0.conv1`, ..., `fc`. Pre-activation networks have no norm
    after the stem (`bn1` is the identity). Instead they have a last norm, `bn`, before the pooling, followed by `relu`.
    In the blocks, the activations are `relu1`, `relu2` and so on: each is a separate module, used once, and none works
    in place.

    Attributes:
        spec: the spec that it was built from, with later changes by `reset_classifier` and by loading with other
            `in_chans`.
        pretrained: everything known about its weights, as one frozen value; the next five attributes are parts of it.
        normalization: the map from pixels to network input that it was trained with; None if it is not known.
        classes: class names in the order of the logits, if its weights or its file give them; otherwise None.
        origin: the file that its weights were loaded from, and what was found there; None if there is no such file.
        weights: the registered weights that it has, with the facts about them; None if they are not registered.
        weights_fingerprint: fingerprint of the registered weights when they were loaded, which reveals later changes.
        stage_names: names of the stages, `layer1` and so on, in the order of the forward pass.
        num_features: channels that enter the classifier.
        in_chans: channels of the images.
        num_classes: length of the logits.

    Raises:
        UsageError: `spec` is not a `ModelSpec`, but for example a name.
    """

    __jit_unused_properties__: ClassVar = [*DescribesWeights.__jit_unused_properties__, "in_chans", "num_classes"]

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        if not isinstance(spec, ModelSpec):
            raise UsageError(
                f"a network is built from a resnetzoo.ModelSpec, not {kind_of(spec)}: resnetzoo.create(name) builds "
                "one by its name, and resnetzoo.get_spec(name) returns its spec"
            )
        self.spec = spec
        self.pretrained = Pretrained()
        self.num_features = spec.num_features
        self.preactivation = spec.norm_first
        self.stage_names = [stage.name for stage in spec.stages]

        self.conv1 = conv2d(spec.stem)
        self.bn1 = norm2d(spec.stem)
        self.relu: nn.Module
        if not self.preactivation:
            self.relu = nn.ReLU()
        for stage in spec.stages:
            self.add_module(stage.name, nn.Sequential(*(build_block(spec, block) for block in stage.block_shapes())))
        ends_with_norm = self.preactivation and spec.last_norm
        self.bn = norm_of(spec.norm, spec.num_features) if ends_with_norm else nn.Identity()
        if self.preactivation:
            self.relu = nn.ReLU() if ends_with_norm else nn.Identity()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc: nn.Module = nn.Linear(spec.num_features, spec.num_classes)
        self.apply(_he_init)
        if spec.zero_init_residual:
            _zero_init_residual(self)

    if TYPE_CHECKING:
        layer1: nn.Sequential  # stages are added by name, which type checkers do not see
        layer2: nn.Sequential
        layer3: nn.Sequential

        def __call__(self, images: Tensor) -> Tensor:
            """The output of `forward`; `nn.Module` itself declares it as Any."""

    @property
    def in_chans(self) -> int:
        """Channels of the images, read from `conv1`, even if you have replaced it."""
        return channels_into(self.conv1) or self.spec.in_chans

    @in_chans.setter
    def in_chans(self, number: int) -> None:
        if number != self.in_chans:
            raise UsageError(
                f"conv1 takes {counted(self.in_chans, 'channel')}, not {number}: put another one in its place"
            )

    @property
    def num_classes(self) -> int | None:
        """Length of the logits, read from `fc`, even if you have replaced it, as in `model.fc = nn.Linear(64, 7)`.

        0 without a classifier, as after `reset_classifier(0)`; None if it cannot be read from the classifier.
        """
        return length_of_logits(self.fc)

    @num_classes.setter
    def num_classes(self, number: int) -> None:
        if self.num_classes not in (number, None):
            raise UsageError(f"fc gives {self.num_classes} logits, not {number}: reset_classifier({number}) changes it")

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, in_chans, H, W) -> logits (N, num_classes)."""
        return self.forward_head(self.forward_features(images))

    def forward_features(self, images: Tensor) -> Tensor:
        """Images (N, in_chans, H, W) -> feature map (N, num_features, h, w).

        As built, h and w are H and W divided by `spec.reductions[-1]`, rounded up.

        Raises:
            ValueError: `images` has another shape or is not float.
        """
        return self.forward_end(self.forward_stages(self.forward_stem(images)))

    def forward_stem(self, images: Tensor) -> Tensor:
        """Images (N, in_chans, H, W) -> input of the first stage (N, C, H, W).

        Raises:
            ValueError: `images` has another shape or is not float.
        """
        if hasattr(self.conv1, "in_channels"):
            check_images(images, self.conv1.in_channels)
        x: Tensor = self.conv1(images)
        if not self.preactivation:
            x = self.relu(self.bn1(x))
        return x

    def forward_stages(self, x: Tensor) -> Tensor:
        """Output of the stem (N, C, H, W) -> output of the last stage (N, num_features, h, w).

        As built, h and w are H and W divided by `spec.reductions[-1]`, rounded up.
        """
        # TorchScript cannot look up a module by name, but it can compare the names of all modules.
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            for stage in self.stage_names:
                for name, module in self.named_children():
                    if name == stage:
                        x = module(x)
        else:
            for stage in self.stage_names:
                x = getattr(self, stage)(x)
        return x

    def forward_end(self, x: Tensor) -> Tensor:
        """Output of the last stage -> feature map of the same shape, after any last norm and ReLU (pre-activation)."""
        if self.preactivation:
            x = self.relu(self.bn(x))
        return x

    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        """Feature map (N, num_features, h, w) -> logits (N, num_classes), or with `pre_logits` the input of `fc`."""
        pooled: Tensor = self.avgpool(features).flatten(1)  # (N, num_features)
        if pre_logits:
            return pooled
        logits: Tensor = self.fc(pooled)
        return logits

    def preprocess(self, image: "Image | Tensor") -> Tensor:
        """An image of any size and mode -> input (in_chans, H, W), resized and normalized as in training.

        H = W = 32, unless the network was trained on images of another size. The result has the network's own type,
        float32 unless it was cast.

        A tensor must be uint8, or float from 0 to 1, and have the shape (C, H, W) or that of a batch of such images.
        `model(model.preprocess(image)[None])` classifies a PIL image. Float images are not rounded, and gradients of
        the logits reach them.

        Raises:
            UsageError: the normalization is not known, for example since the network has not been trained, or it is for
                another number of channels; or `image` is not an image, has no pixels, or is a tensor of another shape,
                type or range.
            ImageError: a PIL image has a mode that Pillow cannot convert to pixels.
        """
        if self.normalization is None:
            raise UsageError(
                f"{self.spec.label} has not been trained, or its file does not say with which normalization: "
                "set model.normalization, or use weights whose normalization is known"
            )
        self.normalization.check_channels(self.in_chans)
        transform = ImageTransform(self.normalization)
        return transform.forward(image).to(input_dtype(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> "CifarNet":
        """A deep copy, even of a pruned network that has been called, which torch itself refuses to copy."""
        memo.update({key: copied for key, copied in copies_of_computed(self).items() if key not in memo})
        copied: CifarNet = type(self).__new__(type(self))
        memo[id(self)] = copied
        copied.__setstate__(copy.deepcopy(super().__getstate__(), memo))  # type: ignore[no-untyped-call]
        return copied

    def __getstate__(self) -> dict[str, Any]:
        """The state that a pickle stores, such as that of `torch.save(model, ...)`.

        Raises:
            UsageError: parts of it cannot be pickled: parametrized modules, or modules prepared for quantization.
        """
        check_picklable(self)
        return super().__getstate__()  # type: ignore[no-untyped-call, no-any-return]  # not what `compile` made

    @overload
    def get_classifier(self, name_only: Literal[False] = False) -> nn.Module: ...

    @overload
    def get_classifier(self, name_only: Literal[True]) -> str: ...

    def get_classifier(self, name_only: bool = False) -> nn.Module | str:
        """The last layer: `nn.Linear`, or `nn.Identity` after `reset_classifier(0)`; with `name_only` its name."""
        return "fc" if name_only else self.fc

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the classifier with a fresh one; with 0 there is none, and the network returns its pooled features.

        `classes`, `weights` and `origin` become None, since they described the network with its former classifier.

        Raises:
            UsageError: `num_classes` is negative or not a whole number.
        """
        if num_classes == 0:
            self.fc = nn.Identity()
        else:
            self.spec = replace(self.spec, num_classes=num_classes)
            device, dtype = device_of(self), input_dtype(self)
            # Drawn on the CPU, so that values do not depend on the device and exist even if the default is meta.
            fc = nn.Linear(self.num_features, num_classes, device="meta" if device.type == "meta" else "cpu")
            _he_init(fc)
            self.fc = fc.to(device, dtype)
        self.pretrained = self.pretrained.with_other_classifier()


def without_values(spec: ModelSpec) -> CifarNet:
    """The network on the meta device, with names and shapes but no values; it costs no memory and no random numbers."""
    with torch.device("meta"):
        return CifarNet(spec)


@torch.fx.has_side_effect
@torch.fx.wrap
def check_images(images: Tensor, in_chans: int) -> None:
    """Refuse images that a network with `in_chans` input channels does not accept.

    Symbolic tracing keeps this call as one step, so that traced networks check their images too.

    Raises:
        ValueError: `images` has another shape or is not float.
    """
    if images.dim() != 4 or images.shape[1] != in_chans:
        raise ValueError(
            f"expected images of shape (N, {in_chans}, H, W), found {list(images.shape)}; "
            "one image needs images.unsqueeze(0), channels come before height and width"
        )
    if images.shape[2] < 1 or images.shape[3] < 1:
        raise ValueError(f"expected images of at least one pixel, found shape {list(images.shape)}")
    if not images.is_floating_point():
        raise ValueError(
            f"expected normalized float images, found {images.dtype}; "
            "turn pixels of 0 to 255 into floats and normalize them as in training"
        )


def _he_init(module: nn.Module) -> None:
    """Weights normal with variance 2 / fan_in (arXiv:1502.01852, equation 10), biases zero, norms at identity.

    Weights on the meta device, which have no values, are skipped: torch would spend seconds on importing its compiler.
    """
    if isinstance(module, nn.Conv2d | nn.Linear) and not module.weight.is_meta:
        fan_in = math.prod(module.weight.shape[1:])
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_in))
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _zero_init_residual(network: CifarNet) -> None:
    """Make F zero by its last layer: a norm's scale or, in pre-activation networks, the weights of a convolution."""
    with torch.no_grad():
        for block in network.spec.blocks():
            network.get_submodule(f"{block.name}.{network.spec.last_layer}").get_parameter("weight").zero_()
