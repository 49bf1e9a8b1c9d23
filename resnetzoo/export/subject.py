"""What is exported: a network or one with its preprocessing, its inputs, and the facts that go into the file."""

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
from resnetzoo.utils.modules import check_values, copy_of, with_plain_norms, with_plain_weights
from resnetzoo.utils.text import first_line
from resnetzoo.version import __version__
from resnetzoo.weights.checkpoint.metadata import texts_with

FACTS = "resnetzoo.json"  # in an archive, the file that says what the network is
Exportable = nn.Module
"""A network of this package or `WithPreprocessing`, also wrapped, as by `torch.compile`, which can be exported."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A float32 copy in evaluation mode on the CPU, ready for an exporter; computed weights are values in it.

    Attributes:
        module: the copy.
        network: the `CifarNet` in it.
        input_name, output_name: `images` and `logits` (without a classifier `features`), or `pixels` and
            `probabilities`.
        facts: what the file says of it, by name; texts, or JSON of everything else. A network that was changed so that
            no spec describes it, and one without a classifier, have no `spec` there.
    """

    module: nn.Module
    network: CifarNet
    input_name: str
    output_name: str
    facts: dict[str, str]

    def inputs(self, count: int) -> Tensor:
        """Random images as `module` takes them, the same each time; `count` of them."""
        random = torch.Generator("cpu").manual_seed(count)
        chans, (height, width) = self.network.in_chans, image_shape(self.network)
        if self.input_name == "pixels":
            shape = (count, height, width, chans)
            return torch.randint(0, 256, shape, dtype=torch.uint8, device="cpu", generator=random)
        return torch.randn(count, chans, height, width, dtype=torch.float32, device="cpu", generator=random)


def subject_of(model: Exportable) -> Subject:
    """The subject that `model` is; it is left as it was.

    Raises:
        UsageError: it is no network of this package, its weights are no longer those of its spec, or have no values.
    """
    inner = innermost(model)
    network = inner if isinstance(inner, WithPreprocessing) else zoo_network(model, "an export")
    check_values(network)
    module = with_plain_norms(with_plain_weights(copy_of(network).cpu().float().eval())).requires_grad_(False)
    module.to(memory_format=torch.contiguous_format)  # torch.export warns of the layout that training leaves
    held = module.model if isinstance(module, WithPreprocessing) else module
    held.classes = class_names(held)  # those that no longer fit, the file does not have either
    if isinstance(module, WithPreprocessing):
        return Subject(module, module.model, "pixels", "probabilities", _facts(module.model, "uint8 (N, H, W, C)"))
    output = "features" if module.num_classes == 0 else "logits"
    return Subject(module, module, "images", output, _facts(module, "float32 (N, C, H, W), normalized"))


@contextmanager
def translating(subject: Subject, runtime: str) -> Iterator[None]:
    """A block in which `runtime` takes over the network; where it cannot, what people have put into it is named.

    Raises:
        ExportError: it cannot.
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
    # Features alone are of no spec, and neither is a network with other modules or settings, such as other strides.
    return {**facts, **texts_with(known_spec(network), network)}
