"""Who publishes weights in a layout, and with which normalization they train: the files themselves do not say."""

from dataclasses import dataclass

from resnetzoo.normalization import Normalization, channel_normalization
from resnetzoo.spec import Block, Family, ModelSpec, Shortcut

Channels = tuple[float, float, float]  # red, green, blue, on the scale 0 to 1

# Mean and deviation, as they stand in training code.
IMAGENET: tuple[Channels, Channels] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CIFAR10: tuple[Channels, Channels] = ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
CIFAR100: tuple[Channels, Channels] = ((0.5070, 0.4865, 0.4409), (0.2673, 0.2564, 0.2761))


@dataclass(frozen=True)
class Author:
    """Published weights: what they look like, and the mean and deviation that their inputs had in training."""

    name: str
    layout: str
    families: tuple[Family, ...]
    blocks: tuple[Block, ...]
    shortcut: Shortcut
    num_classes: tuple[int, ...]
    mean_std: tuple[Channels, Channels]

    def may_have_trained(self, layout: str, spec: ModelSpec) -> bool:
        return (
            layout == self.layout
            and spec.family in self.families
            and spec.block in self.blocks
            and spec.shortcut == self.shortcut
            and spec.num_classes in self.num_classes
            and (spec.in_chans, spec.widths) == (3, (16, 32, 64))
        )


# Read in their training code: trainer.py; chenyaofo/image-classification-codebase conf/; cifar.py;
# osmr/imgclsmob pytorch/datasets/. Bearpaw's pre-activation networks compute otherwise than ours, and have no row.
AUTHORS = (
    Author("akamaster", "akamaster", ("residual",), ("basic",), "identity", (10,), IMAGENET),
    Author("chenyaofo", "torchvision", ("residual",), ("basic",), "projection", (10,), CIFAR10),
    Author("chenyaofo", "torchvision", ("residual",), ("basic",), "projection", (100,), CIFAR100),
    Author("bearpaw", "torchvision", ("residual",), ("bottleneck",), "projection", (10, 100), CIFAR10),
    Author(
        "pytorchcv",
        "pytorchcv",
        ("residual", "preactivation"),
        ("basic", "bottleneck"),
        "projection",
        (10, 100),
        CIFAR10,
    ),
)


def find_author(layout: str, spec: ModelSpec) -> Author | None:
    """Who publishes such weights, if anybody that is known."""
    return next((author for author in AUTHORS if author.may_have_trained(layout, spec)), None)


def normalization_of(author: Author) -> Normalization:
    return channel_normalization(*author.mean_std)
