"""A trained network optimized for inference: norms fused, channels last, bf16 where it pays, compiled."""

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
from resnetzoo.utils.validation import check_whole_number

CALIBRATION_IMAGES = 512
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "int8": torch.float32}  # of what enters the network


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
    bf16 where the hardware multiplies it, and the whole is compiled with its weights frozen in, or on CUDA recorded as
    a graph. `agreement` measures what the rounding does. The copy may be called from several threads at once, and on
    CUDA on any stream.

    Group norm is not a fixed scale and cannot be fused; `int8` refuses it.

    Parts that were changed since the network was built run unchanged: hooks, other classes of modules, computed
    weights. Their norms are not fused, on CUDA the network is not recorded, and `int8` refuses it.

    Args:
        model: a network of this package, which may be wrapped, as by `nn.DataParallel` or `torch.compile`; the copy
            stays on its device.
        precision: `fp32`, `bf16`, or `auto`: bf16 where the hardware multiplies it itself. `int8` is the
            fastest in large batches on CPUs with 8-bit dot products (VNNI), and the least exact; it takes plain and
            residual networks.
        batch_size: None takes batches of any size and compiles or records for each shape of input when it first
            comes, for the first eight shapes. A number does so at once for that many images of 32 x 32 pixels and for
            nothing else: larger batches are cut into pieces of it.
        compile: None compiles on a CPU, which takes seconds a shape, and records on CUDA, which takes a moment and
            needs no compiler. True compiles on CUDA as well, up to a minute a shape, and records what was compiled.
            False does neither, so there is no time before the first answer.
        calibration: with `int8`, images like those to come, such as `data.train`: 512 of them fix the range of each
            activation. Pixels become input as in the training of `model`, if `fit` trained it, else by the mean and
            deviation of `calibration`.

    Raises:
        UsageError: an unsupported model, an unknown precision or one that this model or CPU cannot use, a batch
            below one image, weights that are infinite or NaN, or `int8` without `calibration`; or a batch cut into
            pieces where a norm needs the whole.
    """
    network = zoo_network(model, "optimize")
    check_values(network)
    if batch_size is not None:
        check_whole_number("batch_size", batch_size)
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
    """Refuse to cut batches up where an image's answer depends on the others in its batch."""
    for name, module in model.named_modules():
        if lacks_statistics(module):
            raise UsageError(
                f"{name} has no running statistics, so its output depends on the whole batch, which batch_size would "
                "split: leave batch_size out"
            )


def _int8(model: CifarNet, calibration: ImageSet | None) -> Int8Net:
    check_int8(model)  # first what no other argument changes
    device = device_of(model)
    if device.type != "cpu" or not has_vnni():
        raise UsageError(
            f'precision="int8" needs a CPU with 8-bit dot products (VNNI), not {device_name(device)}; use "auto"'
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
    """Whether it does; parts that are not known may not, such as a hook that adds an fp32 tensor."""
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
        spec: what the model is: what was built, or, where people have changed it, as much of it as a spec can say.
        normalization: the map from pixels to input that the model was trained with, or None.
        in_chans: channels of the input images.
        num_classes: length of the logits; 0 without a classifier, None if it cannot be read from the classifier.
        classes: their names, if the model states them; otherwise None.
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
            """What `forward` gives; `nn.Module` itself promises anything."""

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
        if torch.compiler.is_dynamo_compiling():  # by the caller: the network itself is what there is to trace
            forward = self._plain.traceable
        elif torch.compiler.is_compiling() or not len(images):  # traced otherwise, or while another thread compiles
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
        """Refused: the weights are part of the compiled code.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "the weights of an optimized network cannot be changed: load them into the original model, then optimize "
            "it again"
        )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "OptimizedNet":
        """What `to`, `cuda`, `half` and the like call: they pass only where they would change nothing."""
        with torch.no_grad():
            if any(fn(parameter) is not parameter for parameter in self.parameters()):
                raise UsageError(
                    f"an optimized network stays in {self.precision} on {self._device}: move or convert the original "
                    "model, then optimize it again"
                )
        return self


@contextmanager
def _ordinary_mode(device: torch.device) -> Iterator[None]:
    """No gradients, no autocast, no TF32, whatever the caller has on: the compiled code holds for one mode only."""
    with torch.inference_mode(False), torch.no_grad(), computing(device):
        yield
