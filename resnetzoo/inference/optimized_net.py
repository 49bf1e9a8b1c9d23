"""A trained network optimized for inference: norms fused, channels last, bf16 where the hardware has it, compiled."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from resnetzoo.data.constants import INPUT_SIZE
from resnetzoo.data.image_set import ImageSet
from resnetzoo.errors import UsageError
from resnetzoo.inference.choose import choose_forward
from resnetzoo.inference.forward import PlainForward
from resnetzoo.inference.fuse import fuse_batch_norm, lacks_statistics
from resnetzoo.inference.not_finite import check_finite
from resnetzoo.inference.quantize import Int8Net, check_int8, compiles_int8
from resnetzoo.models.as_built import has_only_known_parts
from resnetzoo.models.cifar_net import CifarNet, check_images
from resnetzoo.models.introspection import class_names, nearest_spec
from resnetzoo.models.matching import check_channels
from resnetzoo.models.wrappers import FixedCode, zoo_network
from resnetzoo.utils.device import device_name, has_vnni, resolve_precision
from resnetzoo.utils.fp32 import computing
from resnetzoo.utils.modules import check_values, copy_of, device_of
from resnetzoo.utils.text import device_words
from resnetzoo.utils.validation import check_optional_flag, check_whole_number

CALIBRATION_IMAGES = 512
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "int8": torch.float32}  # type of the network's input


def optimize(
    model: nn.Module,
    *,
    precision: str = "auto",
    batch_size: int | None = None,
    compile: bool | None = None,  # noqa: A002 (torch's own word for it)
    calibration: ImageSet | None = None,
) -> "OptimizedNet":
    """A copy of `model` that evaluates faster, with the same outputs up to rounding; `model` is left as it was.

    Batch norm is fused into the convolutions, weights and activations are laid out channels last and rounded to
    bf16 if the hardware multiplies it natively, and the network is compiled with its weights frozen in, or on CUDA
    recorded as a graph. `agreement` measures the effect of the rounding. The copy may be called from several threads at
    once, and on CUDA on any stream.

    Group norm is not a fixed scale and cannot be fused; `int8` refuses it.

    Parts that were changed after the network was built run as they are: hooks, other classes of modules, computed
    weights. Their norms are not fused, on CUDA the network is not recorded, and `int8` refuses it. A network that
    returns feature maps, or pools them to more than one value per channel, returns the same from the copy, except that
    `int8` refuses it.

    Args:
        model: a network of this package, possibly wrapped, for example by `nn.DataParallel` or `torch.compile`; the
            copy is on the same device.
        precision: `fp32`, `bf16`, or `auto`: bf16 if the hardware multiplies it natively, else fp32. `int8` is the
            fastest in large batches on CPUs with 8-bit dot products (VNNI), and the least exact; it supports plain and
            residual networks.
        batch_size: None accepts batches of any size, and compiles or records when an input shape first appears, for up
            to eight shapes. A number compiles or records at once, only for batches of that many images of 32 x 32
            pixels; larger batches are split into pieces of that size.
        compile: None compiles on a CPU, which takes seconds per shape, and records on CUDA, which takes a moment and
            needs no compiler. True compiles on CUDA as well, which takes up to a minute per shape, and records the
            compiled code. False does neither, so the first call is not delayed.
        calibration: for `int8`, images like those the network will see, such as `data.train`; 512 of them determine
            the range of each activation. Their pixels are normalized as in the training of `model`, or, if it does not
            state that, by the mean and standard deviation of `calibration`.

    Raises:
        UsageError: an unsupported model, an unknown precision or one that this model or CPU cannot use, a
            `batch_size` below 1, another `compile` than True, False and None, weights that are infinite or NaN, `int8`
            without `calibration`, `calibration` without `int8`, or a `batch_size` for a network with a norm that needs
            the whole batch.

    Warns:
        UserWarning: the network runs uncompiled, because this torch cannot compile `int8` or compiling failed.
    """
    network = zoo_network(model, "optimize")
    check_values(network)
    if batch_size is not None:
        check_whole_number("batch_size", batch_size)
    check_optional_flag("compile", compile)
    if precision not in ("auto", *_DTYPES):
        raise UsageError(f'precision must be auto, fp32, bf16 or int8, not "{precision}"')
    if calibration is not None and precision != "int8":
        raise UsageError(f'calibration is only for precision="int8", not "{precision}": leave it out')
    if batch_size is not None:
        _check_pieces(network)
    if precision == "int8":
        int8 = _int8(network, calibration)
        if compile is not False and not compiles_int8():
            warnings.warn(
                f"the network runs uncompiled, which is slower, because torch {torch.__version__} cannot compile "
                "8-bit convolutions; install torch 2.7 or newer, or pass compile=False",
                stacklevel=2,
            )
            compile = False  # noqa: A001 (as above)
        return OptimizedNet(network, int8, "int8", batch_size=batch_size, compile=compile)
    fused = _fused(network)
    resolved = resolve_precision(precision, device_of(network))
    if resolved == "bf16" and not _runs_in_bf16(fused):
        if precision == "bf16":
            raise UsageError(
                'a module or hook that was added to this network does not work in bf16: use precision="fp32"'
            )
        resolved = "fp32"
    return OptimizedNet(network, fused.to(_DTYPES[resolved]), resolved, batch_size=batch_size, compile=compile)


def _fused(network: CifarNet) -> CifarNet:
    fused = fuse_batch_norm(network).to(memory_format=torch.channels_last)
    check_finite(fused)
    return fused


def _check_pieces(model: CifarNet) -> None:
    """Refuse to split batches if the logits of an image depend on the other images in its batch."""
    for name, module in model.named_modules():
        if lacks_statistics(module):
            raise UsageError(
                f"{name} has no running statistics, so its output depends on the whole batch, which batch_size would "
                "split: leave batch_size out"
            )


def _int8(model: CifarNet, calibration: ImageSet | None) -> Int8Net:
    check_int8(model)  # checked first, because it depends on the model only
    device = device_of(model)
    if device.type != "cpu" or not has_vnni():
        raise UsageError(
            f'precision="int8" needs a CPU with 8-bit dot products (VNNI), not {device_words(device_name(device))}; '
            'use "auto"'
        )
    if calibration is None:
        raise UsageError(
            'precision="int8" needs calibration=..., images like those it will be used on, such as data.train'
        )
    check_channels(model, calibration, "calibration")
    normalize = model.normalization or calibration.normalization("channel")
    every = max(1, len(calibration) // CALIBRATION_IMAGES)
    images = normalize(calibration.images[::every][:CALIBRATION_IMAGES])  # (n, C, H, W)
    check_images(images, model.in_chans)
    return Int8Net(_fused(model), images.contiguous(memory_format=torch.channels_last))


def _runs_in_bf16(network: CifarNet) -> bool:
    """Whether the network runs in bf16; unknown parts may not, such as a hook that adds an fp32 tensor."""
    if has_only_known_parts(network):
        return True
    device = device_of(network)
    images = torch.zeros(1, network.in_chans, INPUT_SIZE, INPUT_SIZE, dtype=torch.bfloat16, device=device)
    with _ordinary_mode(device):
        try:
            copy_of(network).bfloat16()(images)
        except RuntimeError:
            return False
    return True


class OptimizedNet(FixedCode):
    """What `optimize` returns: images (N, in_chans, H, W) of any float type, normalized -> logits (N, num_classes).

    Logits are float32 and carry no gradients. The network stays in evaluation mode, on its device and with its
    weights: to change any of these, change the model and optimize it again.

    Attributes:
        spec: the spec that the model was built from, with its present numbers of classes and input channels.
        normalization: the map from pixels to input that the model was trained with, or None.
        in_chans: channels of the input images.
        num_classes: length of the logits; 0 without a classifier, None if it cannot be read from the classifier.
        classes: names of the classes, if the model states them; otherwise None.
        precision: `fp32`, `bf16` or `int8`.
    """

    def __init__(
        self,
        model: CifarNet,
        network: nn.Module,
        precision: str,
        *,
        batch_size: int | None,
        compile: bool | None,  # noqa: A002 (as in `optimize`)
    ) -> None:
        super().__init__()
        super().train(False)
        self.spec = nearest_spec(model)
        self.normalization = model.normalization
        self.in_chans = model.in_chans
        self.num_classes = model.num_classes
        self.classes = class_names(model)
        self.precision = precision
        self._device = device_of(model)
        self._network = network.eval()
        self._batch_size = batch_size
        self._plain = PlainForward(self._network, _DTYPES[precision])
        shape = None if batch_size is None else torch.Size((batch_size, self.in_chans, INPUT_SIZE, INPUT_SIZE))
        self._forward = choose_forward(self._plain, self._device, compile=compile, only=shape)
        if shape is not None:
            with _ordinary_mode(self._device):
                self._forward.prepare(torch.zeros(shape, dtype=torch.float32, device=self._device))

    if TYPE_CHECKING:

        def __call__(self, images: Tensor) -> Tensor:
            """Same as `forward`, with its types, which `nn.Module` does not declare."""

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, in_chans, H, W) -> logits (N, num_classes), float32.

        Raises:
            ValueError: `images` has another shape, is not float or is on another device.
        """
        check_images(images, self.in_chans)
        if images.device != self._device:
            raise ValueError(
                f'expected images on {self._device}, found them on {images.device}; use images.to("{self._device}")'
            )
        if torch.compiler.is_dynamo_compiling():  # the caller compiles this network, and traces it
            forward = self._plain.traceable
        elif torch.compiler.is_compiling() or not len(images):  # other tracing, a compilation elsewhere, or empty
            forward = self._plain
        else:
            forward = self._forward
        with _ordinary_mode(self._device):
            if self._batch_size is None or len(images) <= self._batch_size:
                return forward(images)
            return torch.cat([forward(piece) for piece in torch.split(images, self._batch_size)])

    def train(self, mode: bool = True) -> "OptimizedNet":
        """Refuse training mode; `train(False)` changes nothing.

        Raises:
            UsageError: `mode` is true.
        """
        if mode:
            raise UsageError(
                "an optimized network is for inference only: train the original model, then optimize it again"
            )
        return self

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> "torch.nn.modules.module._IncompatibleKeys":
        """Refuse other weights, since the weights are part of the compiled code.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "the weights of an optimized network cannot be changed: load them into the original model, then optimize "
            "it again"
        )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "OptimizedNet":
        """Called by `to`, `cuda`, `half` and the like, which are allowed only if they change nothing."""
        with torch.no_grad():
            if any(fn(parameter) is not parameter for parameter in self.parameters()):
                raise UsageError(
                    f"an optimized network stays in {self.precision} on {self._device}: move or convert the original "
                    "model, then optimize it again"
                )
        return self


@contextmanager
def _ordinary_mode(device: torch.device) -> Iterator[None]:
    """A block without gradients, autocast and TF32, whatever the caller uses: compiled code is valid for one mode."""
    with torch.inference_mode(False), torch.no_grad(), computing(device):
        yield
