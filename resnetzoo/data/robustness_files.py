"""Test sets for the robustness of CIFAR networks: files, checksums, corruptions. Facts only.

CIFAR-10-C and CIFAR-100-C: Hendrycks and Dietterich, *Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations* (arXiv:1903.12261), at https://zenodo.org/records/2535967 and https://zenodo.org/records/3555552. Each
corruption is one file of all test images at severity 1, then at 2, and so on up to 5: uint8 (50000, 32, 32, 3).

CIFAR-10.1: Recht, Roelofs, Schmidt and Shankar, *Do CIFAR-10 Classifiers Generalize to CIFAR-10?* (arXiv:1806.00451),
at https://github.com/modestyachts/CIFAR-10.1. New images of the ten classes, in two versions; the authors
recommend v6.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from resnetzoo.data import cifar_files
from resnetzoo.data.cifar_files import Archive

SEVERITIES = (1, 2, 3, 4, 5)
EXTRA = "extra"

# The paper's four groups, over which it averages, and four more corruptions, which it keeps for validation.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
    EXTRA: ("speckle_noise", "gaussian_blur", "spatter", "saturate"),
}
CORRUPTIONS = tuple(name for names in GROUPS.values() for name in names)


@dataclass(frozen=True)
class CorruptedInfo:
    """CIFAR-10-C or CIFAR-100-C as published.

    Attributes:
        name, title: its name in commands and calls, and its name in texts.
        clean: the name of the dataset whose test images were corrupted.
        classes: the names of its classes, in label order.
        folder: the folder's name inside the archive.
        archive: the archive that contains all of it.
        array_size: size of the file of each corruption, in bytes.
        md5s: MD5s of its files, by their names without `.npy`. The hosts publish only that of the archive; these are
            used in the code of several readers.
    """

    name: str
    title: str
    clean: str
    classes: tuple[str, ...]
    folder: str
    archive: Archive
    array_size: int
    md5s: Mapping[str, str]

    @property
    def archives(self) -> tuple[str, ...]:
        return (self.archive.name,)

    @property
    def fetched(self) -> tuple[str, ...]:
        return (self.archive.name,)

    @property
    def signs(self) -> tuple[str, ...]:
        # Both datasets have the same file names, so without their folder the files do not show which one it is.
        return self.archive.name, f"{self.folder}/labels.npy"


@dataclass(frozen=True)
class NewTestInfo:
    """A version of CIFAR-10.1 as published.

    Attributes:
        name, title: its name in commands and calls, and its name in texts.
        classes: the names of its classes, in label order.
        folders: the folders in which its files may be, depending on how they were downloaded.
        images, labels: its two files.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    folders: tuple[str, ...]
    images: Archive
    labels: Archive

    @property
    def archives(self) -> tuple[str, ...]:
        return ()

    @property
    def fetched(self) -> tuple[str, ...]:
        return self.images.name, self.labels.name

    @property
    def signs(self) -> tuple[str, ...]:
        return tuple(f"{folder}/{name}".lstrip("./") for folder in self.folders for name in self.fetched)


CIFAR10_C = CorruptedInfo(
    name="cifar10-c",
    title="CIFAR-10-C",
    clean="cifar10",
    classes=cifar_files.CIFAR10.classes,
    folder="CIFAR-10-C",
    archive=Archive(
        "CIFAR-10-C.tar",
        "56bf5dcef84df0e2308c6dcbcbbd8499",
        2_918_471_680,
        ("https://zenodo.org/records/2535967/files/CIFAR-10-C.tar?download=1",),
    ),
    array_size=153_600_128,
    md5s={
        "labels": "c439b113295ed5254878798ffe28fd54",
        "gaussian_noise": "ecaf8b9a2399ffeda7680934c33405fd",
        "shot_noise": "3a7239bb118894f013d9bf1984be7f11",
        "impulse_noise": "2090e01c83519ec51427e65116af6b1a",
        "defocus_blur": "7d1322666342a0702b1957e92f6254bc",
        "glass_blur": "7361fb4019269e02dbf6925f083e8629",
        "motion_blur": "fffa5f852ff7ad299cfe8a7643f090f4",
        "zoom_blur": "6ea8e63f1c5cdee1517533840641641b",
        "snow": "bb238de8555123da9c282dea23bd6e55",
        "frost": "31f6ab3bce1d9934abfb0cc13656f141",
        "fog": "7b397314b5670f825465fbcd1f6e9ccd",
        "brightness": "0a81ef75e0b523c3383219c330a85d48",
        "contrast": "3c8262171c51307f916c30a3308235a8",
        "elastic_transform": "9421657c6cd452429cf6ce96cc412b5f",
        "pixelate": "0f14f7e2db14288304e1de10df16832f",
        "jpeg_compression": "2b9cc4c864e0193bb64db8d7728f8187",
        "speckle_noise": "ef00b87611792b00df09c0b0237a1e30",
        "gaussian_blur": "c33370155bc9b055fb4a89113d3c559d",
        "spatter": "8a5a3903a7f8f65b59501a6093b4311e",
        "saturate": "1cfae0964219c5102abbb883e538cc56",
    },
)

CIFAR100_C = CorruptedInfo(
    name="cifar100-c",
    title="CIFAR-100-C",
    clean="cifar100",
    classes=cifar_files.CIFAR100.classes,
    folder="CIFAR-100-C",
    archive=Archive(
        "CIFAR-100-C.tar",
        "11f0ed0f1191edbf9fa23466ae6021d3",
        2_918_473_216,
        ("https://zenodo.org/records/3555552/files/CIFAR-100-C.tar?download=1",),
    ),
    array_size=153_600_128,
    md5s={
        "labels": "bb4026e9ce52996b95f439544568cdb2",
        "gaussian_noise": "ecc4d366eac432bdf25c024086f5e97d",
        "shot_noise": "b0a1fa6e1e465a747c1b204b1914048a",
        "impulse_noise": "3b3c210ddfa0b5cb918ff4537a429fef",
        "defocus_blur": "d923e3d9c585a27f0956e2f2ad832564",
        "glass_blur": "0bf384f38e5ccbf8dd479d9059b913e1",
        "motion_blur": "732a7e2e54152ff97c742d4c388c5516",
        "zoom_blur": "0204613400c034a81c4830d5df81cb82",
        "snow": "0237be164583af146b7b144e73b43465",
        "frost": "3a39c6823bdfaa0bf8b12fe7004b8117",
        "fog": "4efc7ebd5e82b028bdbe13048e3ea564",
        "brightness": "f22d7195aecd6abb541e27fca230c171",
        "contrast": "322bb385f1d05154ee197ca16535f71e",
        "elastic_transform": "a0792bd6581f6810878be71acedfc65a",
        "pixelate": "96c00c60f144539e14cffb02ddbd0640",
        "jpeg_compression": "c851b7f1324e1d2ffddeb76920576d11",
        "speckle_noise": "e3f215b1a0f9fd9fd6f0d1cf94a7ce99",
        "gaussian_blur": "5204ba0d557839772ef5a4196a052c3e",
        "spatter": "12ccf41d62564d36e1f6a6ada5022728",
        "saturate": "c0697e9fdd646916a61e9c312c77bf6b",
    },
)

_GITHUB = "https://github.com/modestyachts/CIFAR-10.1/raw/master/datasets"


def _new_test(version: str, images: tuple[str, int], labels: tuple[str, int]) -> NewTestInfo:
    """A version, given the SHA-256 and the size in bytes of each of its two files."""
    files = [
        Archive(f"cifar10.1_{version}_{part}.npy", *facts, (f"{_GITHUB}/cifar10.1_{version}_{part}.npy",))
        for part, facts in (("data", images), ("labels", labels))
    ]
    return NewTestInfo(
        name=f"cifar10.1-{version}",
        title=f"CIFAR-10.1 {version}",
        classes=cifar_files.CIFAR10.classes,
        folders=(".", "CIFAR-10.1", "CIFAR-10.1/datasets", "datasets"),  # loose, in a folder, in the repository
        images=files[0],
        labels=files[1],
    )


CIFAR10_1 = {
    "v4": _new_test(
        "v4",
        ("5aaedc268df8f4cffca2ac0cf9e608ae1897a8cddb630c7a850a2ea8f6558e75", 6_208_640),
        ("1f9544300ded199539b6662364ce7fe6c2e1ea9f87408f06db4b1a6184cffb18", 8_212),
    ),
    "v6": _new_test(
        "v6",
        ("2997188e5816f5bd545dc77771b6227828c28146049fcecf3fa10775474cacc6", 6_144_128),
        ("ae40beda001693674edc94d925ee8268cfe68905f8f9aff800c8dcdfcd6c9448", 8_128),
    ),
}
