"""Who publishes weights in a layout, and with which normalization they train: the files themselves do not say."""

from dataclasses import dataclass

from resnetzoo.data.constants import CIFAR10, CIFAR100, IMAGENET, Channels
from resnetzoo.data.normalization import Normalization, channel_normalization
from resnetzoo.models.spec import Block, Family, ModelSpec, Shortcut


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
