"""Where a network's weights come from, and how each thing about them is known."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Origin:
    """What `load_checkpoint` found in a file; `str()` of it is one line.

    Attributes:
        path: the file.
        layout: whose names the weights have: `resnetzoo`, `akamaster`, `torchvision` or `pytorchcv`.
        network: what was built, such as `resnet20, 10 classes`.
        opened: the keys gone into and the prefixes taken off, from the outside in: `["state_dict"]`, `module.`.
        normalization: how the map from pixels to input is known.
        notes: what a person should know besides.
        training: what the file says of the training, by name: epoch, score, seed.
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
