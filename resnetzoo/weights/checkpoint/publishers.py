"""Who publishes weights under which names and with which normalization; the files themselves do not say."""

from dataclasses import dataclass

from resnetzoo.data.constants import CIFAR10, CIFAR100, IMAGENET, Channels
from resnetzoo.data.normalization import Normalization, channel_normalization
from resnetzoo.models.shapes import FOUR_WIDTHS
from resnetzoo.models.spec import WIDTHS, Block, Family, ModelSpec, Shortcut


@dataclass(frozen=True)
class Publisher:
    """A publisher of weights, and the mean and standard deviation that normalized the inputs in training.

    Attributes:
        name: name of the publisher.
        mapping: name of the `KeyMapping` for the names of their weights.
        families, blocks, shortcut, num_classes: what their networks have.
        mean_std: mean and standard deviation on the scale 0 to 1, one value per channel.
        widths, stem_width: what their networks have; None for widths means any.
    """

    name: str
    mapping: str
    families: tuple[Family, ...]
    blocks: tuple[Block, ...]
    shortcut: Shortcut
    num_classes: tuple[int, ...]
    mean_std: tuple[Channels, Channels]
    widths: tuple[int, ...] | None = WIDTHS
    stem_width: int | None = None

    @property
    def normalization(self) -> Normalization:
        """The normalization of pixels that the networks were trained with."""
        return channel_normalization(*self.mean_std)

    def may_have_trained(self, mapping: str, spec: ModelSpec) -> bool:
        """Whether weights of `spec` under the names of `mapping` may come from this publisher."""
        return (
            mapping == self.mapping
            and spec.family in self.families
            and spec.block in self.blocks
            and spec.shortcut == self.shortcut
            and spec.num_classes in self.num_classes
            and spec.in_chans == 3
            and (self.widths is None or (spec.widths, spec.stem_width) == (self.widths, self.stem_width))
        )


# Read in their training code: trainer.py; chenyaofo/image-classification-codebase conf/; cifar.py;
# osmr/imgclsmob pytorch/datasets/; HobbitLong/RepDistiller dataset/cifar100.py, whose
# narrow networks look like chenyaofo's, with a mean and standard deviation that differ by at most 0.0002; main.py;
# config.py; openood/preprocessors/transform.py; detectors/data/constants.py. Publishers who share xternalz's layout use
# different values and have no row; torchdistill's Wide ResNets use those of CIFAR-10 and CIFAR-100 themselves.
_REPDISTILLER: tuple[Channels, Channels] = ((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761))  # of CIFAR-100
_OWN_CIFAR10: tuple[Channels, Channels] = ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))  # of its pixels
_BLOCKS = ("basic", "bottleneck")
PUBLISHERS = (
    Publisher("akamaster", "akamaster", ("residual",), ("basic",), "identity", (10,), IMAGENET),
    Publisher("chenyaofo", "torchvision", ("residual",), ("basic",), "projection", (10,), CIFAR10),
    Publisher("chenyaofo", "torchvision", ("residual",), ("basic",), "projection", (100,), CIFAR100),
    Publisher("bearpaw", "torchvision", ("residual",), ("bottleneck",), "projection", (10, 100), CIFAR10),
    Publisher(
        "pytorchcv",
        "pytorchcv",
        ("residual", "preactivation"),
        ("basic", "bottleneck"),
        "projection",
        (10, 100),
        CIFAR10,
    ),
    Publisher(
        "RepDistiller",
        "torchvision",
        ("residual",),
        ("basic",),
        "projection",
        (100,),
        _REPDISTILLER,
        widths=(64, 128, 256),
        stem_width=32,
    ),
    Publisher("bearpaw", "bearpaw", ("residual", "preactivation"), _BLOCKS, "projection", (10, 100), CIFAR10, None),
    Publisher(
        "kuangliu", "kuangliu", ("residual", "preactivation"), _BLOCKS, "projection", (10,), CIFAR10, FOUR_WIDTHS
    ),
    Publisher("OpenOOD", "OpenOOD", ("residual",), _BLOCKS, "projection", (10,), _OWN_CIFAR10, FOUR_WIDTHS),
    Publisher("OpenOOD", "OpenOOD", ("residual",), _BLOCKS, "projection", (100,), _REPDISTILLER, FOUR_WIDTHS),
    Publisher("detectors", "torchvision", ("residual",), _BLOCKS, "projection", (10,), CIFAR10, FOUR_WIDTHS),
    Publisher("detectors", "torchvision", ("residual",), _BLOCKS, "projection", (100,), _REPDISTILLER, FOUR_WIDTHS),
    Publisher("meliketoy", "meliketoy", ("preactivation",), _BLOCKS, "projection", (10,), CIFAR10, None),
    Publisher("meliketoy", "meliketoy", ("preactivation",), _BLOCKS, "projection", (100,), _REPDISTILLER, None),
    Publisher("torchdistill", "torchdistill", ("preactivation",), _BLOCKS, "projection", (10,), _OWN_CIFAR10, None),
    Publisher("torchdistill", "torchdistill", ("preactivation",), _BLOCKS, "projection", (100,), CIFAR100, None),
)


def find_publisher(mapping: str, spec: ModelSpec) -> Publisher | None:
    """The known publisher of such weights, or None."""
    return next((publisher for publisher in PUBLISHERS if publisher.may_have_trained(mapping, spec)), None)
