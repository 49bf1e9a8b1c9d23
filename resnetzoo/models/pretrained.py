"""What is known about a network's weights, as frozen data, and how each fact is known. No torch here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from resnetzoo.errors import UsageError
from resnetzoo.models.spec import ModelSpec
from resnetzoo.utils.validation import check_names

if TYPE_CHECKING:
    from torch import nn

    from resnetzoo.data.normalization import Normalization
    from resnetzoo.data.transforms import ImageTransform


@dataclass(frozen=True)
class Origin:
    """What `load_checkpoint` found in a file; `str()` of it is one line.

    Attributes:
        path: the file.
        layout: the implementation whose names the weights have: `akamaster`, `bearpaw`, `kuangliu`, `meliketoy`,
            `OpenOOD`, `pytorchcv`, `torchdistill`, `torchvision` or `xternalz`; `resnetzoo` for a file of this package.
        network: what was built, such as `resnet20, 10 classes`.
        opened: the keys and prefixes that led to the weights, from the outside in: `["state_dict"]`, `module.`.
        normalization: how the map from pixels to input is known.
        notes: what else the user should know.
        training: what the file says about the training, by name: epoch, score, seed.
    """

    path: str
    layout: str
    network: str
    opened: tuple[str, ...] = ()
    normalization: str = "unknown"
    notes: tuple[str, ...] = ()
    training: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        inside = f", found under {' '.join(self.opened)}" if self.opened else ""
        parts = [f"{self.network} in the names of {self.layout}{inside}", f"normalization {self.normalization}"]
        return f"{self.path}: {'; '.join([*parts, *self.notes])}"


Epoch = Literal["last", "best on the test set", "not said"]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Trained weights of one network.

    Attributes:
        name: the network's name and a tag, such as `resnet20.modern_c10`.
        spec: the network, with its shortcut and number of classes.
        file: the file's name, in the package or as its author calls it.
        url: where it is downloaded from; None if it is part of the package.
        sha256: SHA-256 of the file; for files of other authors only the first digits, if they publish no more.
        classes: the names of the labels.
        mean: mean of the normalization, on the scale 0 to 1, one value per channel.
        std: standard deviation of the normalization, in the same form.
        input_size: side of the images in pixels.
        params: number of parameters.
        test_error: top-1 test error in percent, as the author publishes it.
        test_images: number of images that it was measured on.
        dataset: the dataset of the training, by the name that `load_data` accepts; in rows of others, in their words.
        train_images: number of training images; None if it is not known.
        dataset_fingerprint: fingerprint of the dataset; None if it is not known.
        recipe: how the network was trained, with the seed if known.
        epoch: which epoch was kept, and how it was chosen.
        licence: licence of the file.
        source: who made it, and where that is stated.
    """

    name: str
    spec: ModelSpec
    file: str
    url: str | None
    sha256: str
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    input_size: int = 32
    params: int
    test_error: float
    test_images: int = 10_000
    dataset: str
    train_images: int | None = 50_000
    dataset_fingerprint: str | None = None
    recipe: str
    epoch: Epoch
    licence: str
    source: str

    @property
    def network(self) -> str:
        """The name in the zoo, such as `resnet20`."""
        return self.name.split(".")[0]

    @property
    def tag(self) -> str:
        """The part of the name that tells these weights from others of the network, such as `modern_c10`."""
        return self.name.split(".")[1]

    @property
    def trained_on(self) -> str:
        """The dataset in one line, with its fingerprint if it is known, such as `cifar10, 50,000 images`."""
        images = None if self.train_images is None else f"{self.train_images:,} images"
        return ", ".join(part for part in (self.dataset, images, self.dataset_fingerprint) if part is not None)

    @property
    def packaged(self) -> bool:
        """Whether the file comes with the package, so that nothing is downloaded."""
        return self.url is None

    @property
    def normalization(self) -> "Normalization":
        """The map from pixels to input that the network was trained with."""
        from resnetzoo.data.normalization import channel_normalization

        return channel_normalization(self.mean, self.std)

    def transforms(self) -> "ImageTransform":
        """The transform to network input: a PIL image or tensor of any size -> float32 (3, input_size, input_size)."""
        from resnetzoo.data.transforms import ImageTransform

        return ImageTransform(self.normalization, self.input_size)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `from_dict` reads them back. The dataset becomes the one line `trained_on`."""
        values = {**vars(self), "spec": self.spec.to_dict(), "classes": list(self.classes), "dataset": self.trained_on}
        return {
            "trained_on" if name == "dataset" else name: value
            for name, value in values.items()
            if name not in ("train_images", "dataset_fingerprint")
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Weights":
        """Recreate the row from which `to_dict` made these values. A `trained_on` in another form is kept as it is.

        Raises:
            KeyError, TypeError, ValueError: the values are not those of a row.
        """
        stored = {name: value for name, value in values.items() if name != "trained_on"}
        lists = {name: tuple(values[name]) for name in ("classes", "mean", "std")}
        return cls(**{**stored, **lists, **_data(values["trained_on"]), "spec": ModelSpec.from_dict(values["spec"])})


def _data(trained_on: str) -> dict[str, Any]:
    """The fields of a row that are in this line of `Weights.trained_on`."""
    line = re.fullmatch(r"(\w+), (\d{1,3}(?:,\d{3})*) images(?:, ([\w:]+))?", trained_on)
    if line is None:
        return {"dataset": trained_on, "train_images": None}
    return {"dataset": line[1], "train_images": int(line[2].replace(",", "")), "dataset_fingerprint": line[3]}


@dataclass(frozen=True)
class Pretrained:
    """Everything known about the weights of one network; if nothing is known, it is `Pretrained()`.

    Attributes:
        normalization: the map from pixels to input that the network was trained with.
        classes: the names of the labels, in the order of the logits.
        origin: the file that the weights come from, and what was found there.
        weights: the row of these weights, if they are registered.
        fingerprint: `models.fingerprint` of the weights that the row describes, which reveals later changes.

    Raises:
        UsageError: `classes` are not names.
    """

    normalization: "Normalization | None" = None
    classes: tuple[str, ...] | None = None
    origin: Origin | None = None
    weights: Weights | None = None
    fingerprint: str | None = None

    def __post_init__(self) -> None:
        if self.classes is not None:
            object.__setattr__(self, "classes", check_names("classes", self.classes))

    def with_other_classifier(self) -> "Pretrained":
        """What stays true with another classifier: the normalization. The rest described the network as a whole."""
        return Pretrained(normalization=self.normalization)


class DescribesWeights:
    """A network with an attribute `pretrained`, each part of which is also an attribute of the network.

    Assigning one replaces that part of `pretrained`. A row that is assigned to `weights` counts only as long as the
    weights match `weights_fingerprint`, which loading and `models.fingerprint` set.
    """

    pretrained: Pretrained
    # Facts with which no graph computes: torch.jit.script must ignore them.
    __jit_ignored_attributes__: ClassVar = ["pretrained"]
    __jit_unused_properties__: ClassVar = ["normalization", "classes", "origin", "weights", "weights_fingerprint"]

    @property
    def normalization(self) -> "Normalization | None":
        """The map from pixels to input that the network was trained with; None if it is not known."""
        return self.pretrained.normalization

    @normalization.setter
    def normalization(self, normalization: "Normalization | None") -> None:
        from resnetzoo.data.normalization import Normalization

        if not isinstance(normalization, Normalization | None):
            raise UsageError(
                "model.normalization is a resnetzoo.Normalization, such as Normalization('channel', [0.49, 0.48, "
                f"0.45], [0.25, 0.24, 0.26]), or None, not {type(normalization).__name__}"
            )
        self.pretrained = replace(self.pretrained, normalization=normalization)

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes in the order of the logits, if the weights or their file state them; else None."""
        return self.pretrained.classes

    @classes.setter
    def classes(self, classes: Sequence[str] | None) -> None:
        self.pretrained = replace(self.pretrained, classes=classes)  # type: ignore[arg-type]  # `Pretrained` checks them

    @property
    def origin(self) -> Origin | None:
        """The file that the weights come from, and what was found there; None if there is no such file."""
        return self.pretrained.origin

    @origin.setter
    def origin(self, origin: Origin | None) -> None:
        self.pretrained = replace(self.pretrained, origin=origin)

    @property
    def weights(self) -> Weights | None:
        """The row of the trained weights, with the facts about them; None if they are not registered."""
        return self.pretrained.weights

    @weights.setter
    def weights(self, weights: Weights | None) -> None:
        self.pretrained = replace(self.pretrained, weights=weights)

    @property
    def weights_fingerprint(self) -> str | None:
        """The fingerprint of the weights that the row came with, which reveals later changes."""
        return self.pretrained.fingerprint

    @weights_fingerprint.setter
    def weights_fingerprint(self, fingerprint: str | None) -> None:
        self.pretrained = replace(self.pretrained, fingerprint=fingerprint)


_BESIDE_OWN = "_resnetzoo_normalization"
"""The attribute for a network from elsewhere whose own `normalization` is something else, such as a setting."""


def attach_normalization(model: "nn.Module", normalization: "Normalization") -> None:
    """Record the normalization that a network was trained with, as `model.normalization`.

    If the network has a member of that name that is something else, this is left as it is, and `get_normalization`
    alone knows the normalization.
    """
    from resnetzoo.data.normalization import Normalization

    own = getattr(model, "normalization", normalization)
    free = isinstance(model, DescribesWeights) or isinstance(own, Normalization)
    object.__setattr__(model, "normalization" if free else _BESIDE_OWN, normalization)


def get_normalization(model: "nn.Module") -> "Normalization | None":
    """The normalization of any network, as `attach_normalization` or its user left it, if it has one."""
    from resnetzoo.data.normalization import Normalization

    found = (getattr(model, name, None) for name in ("normalization", _BESIDE_OWN))
    return next((one for one in found if isinstance(one, Normalization)), None)
