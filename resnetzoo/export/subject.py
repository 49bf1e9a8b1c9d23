"""What is exported: a network with or without its preprocessing, its inputs, and the facts that go into the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resnetzoo.errors import ExportError, UsageError
from resnetzoo.export.wrapper import WithPreprocessing
from resnetzoo.models.as_built import AsBuilt
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.introspection import check_shapes, class_names, image_shape, known_spec
from resnetzoo.models.wrappers import innermost, zoo_network
from resnetzoo.utils.modules import check_values, copy_of, in_mode, with_plain_norms, with_plain_weights
from resnetzoo.utils.text import first_line
from resnetzoo.version import __version__
from resnetzoo.weights.checkpoint.metadata import texts_with

FACTS = "resnetzoo.json"  # the file in an archive that describes the network
Exportable = nn.Module
"""A network of this package or `WithPreprocessing`, possibly wrapped, for example by `torch.compile`."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A float32 copy in evaluation mode on the CPU, ready for an exporter; it stores computed weights as plain values.

    Attributes:
        module: the copy.
        network: the `CifarNet` in it.
        input_name, output_name: `images` and `logits` (without a classifier `features`), or `pixels` and
            `probabilities`.
        facts: what the file states about the network, by name: text, or JSON for everything else. There is no `spec` if
            the network has no classifier, or was changed so that no spec describes it.
    """

    module: nn.Module
    network: CifarNet
    input_name: str
    output_name: str
    facts: dict[str, str]

    def inputs(self, count: int) -> Tensor:
        """`count` random images in the form that `module` accepts, the same each time."""
        random = torch.Generator("cpu").manual_seed(count)
        chans, (height, width) = self.network.in_chans, image_shape(self.network)
        if self.input_name == "pixels":
            shape = (count, height, width, chans)
            return torch.randint(0, 256, shape, dtype=torch.uint8, device="cpu", generator=random)
        return torch.randn(count, chans, height, width, dtype=torch.float32, device="cpu", generator=random)


def subject_of(model: Exportable) -> Subject:
    """The subject for an export of `model`, which is left as it was.

    Raises:
        UsageError: `model` is not a network of this package, or its weights no longer fit its spec or have no values.
    """
    inner = innermost(model)
    network = inner if isinstance(inner, WithPreprocessing) else zoo_network(model, "an export")
    check_values(network)
    module = with_plain_norms(with_plain_weights(in_mode(copy_of(network).cpu().float(), training=False)))
    module.requires_grad_(False)
    module.to(memory_format=torch.contiguous_format)  # torch.export warns about the layout that training leaves
    held = module.model if isinstance(module, WithPreprocessing) else module
    held.classes = class_names(held)  # the file does not contain names that no longer fit
    if isinstance(module, WithPreprocessing):
        return Subject(module, module.model, "pixels", "probabilities", _facts(module.model, "uint8 (N, H, W, C)"))
    output = "features" if module.num_classes == 0 else "logits"
    return Subject(module, module, "images", output, _facts(module, "float32 (N, C, H, W), normalized"))


@contextmanager
def translating(subject: Subject, runtime: str) -> Iterator[None]:
    """A block that converts the network for `runtime`; if that fails, the error names what was changed in the network.

    Raises:
        ExportError: the conversion fails, and the network was changed after it was built.
    """
    try:
        yield
    except Exception as error:  # each of the exporters fails with exceptions of its own
        changes = AsBuilt(subject.network).changes()
        if not changes:
            raise
        listed = "; ".join(f"{name or 'the network'} {words}" for name, words in list(changes.items())[:3])
        raise ExportError(
            f"{runtime} cannot represent this network, because it was changed after it was built "
            f"({first_line(error)}): {listed}. Remove this change, or export to another format"
        ) from error


def _facts(network: CifarNet, takes: str) -> dict[str, str]:
    height, width = image_shape(network)
    size = str(height) if height == width else f"{height}x{width}"
    facts = {"resnetzoo": __version__, "input": takes, "input_size": size}
    if network.num_classes != 0:
        try:
            check_shapes(network)
        except UsageError as error:
            raise UsageError(
                f"{error}. Use torch.export.export(model.eval(), (images,)) or torch.onnx.export for a network without "
                "a spec"
            ) from error
    # No spec describes a network without a classifier, or one with other modules or settings, such as other strides.
    return {**facts, **texts_with(known_spec(network), network)}
