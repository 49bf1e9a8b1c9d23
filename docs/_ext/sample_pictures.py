"""Ten drawings, one for each class of CIFAR-10, for a page that must not ship other people's photographs.

Each is a list of shapes on a background, in a unit square with the origin at the top left, drawn large and scaled down.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

SIDE = 32  # pixels of a finished picture
_LARGE = 512  # pixels while it is drawn


class Shape(NamedTuple):
    """A filled shape: `ellipse` and `box` by two corners, `polygon` by its points."""

    kind: str
    colour: str
    points: tuple[float, ...]


class Scene(NamedTuple):
    """A background, as the colours at its top and bottom, and the shapes on it from back to front."""

    ground: tuple[str, str]
    shapes: tuple[Shape, ...]


def _ellipse(colour: str, *points: float) -> Shape:
    return Shape("ellipse", colour, points)


def _box(colour: str, *points: float) -> Shape:
    return Shape("box", colour, points)


def _polygon(colour: str, *points: float) -> Shape:
    return Shape("polygon", colour, points)


SCENES = {
    "airplane": Scene(
        ("#7fb2e5", "#dcebf7"),
        (
            _polygon("#9aa3ad", 0.46, 0.5, 0.2, 0.82, 0.3, 0.82, 0.62, 0.52),
            _polygon("#c9ced4", 0.08, 0.28, 0.2, 0.28, 0.3, 0.46, 0.14, 0.48),
            _ellipse("#eef0f2", 0.06, 0.4, 0.95, 0.58),
            _polygon("#b3bac2", 0.48, 0.46, 0.34, 0.2, 0.42, 0.2, 0.64, 0.46),
            _ellipse("#3d4a57", 0.84, 0.43, 0.91, 0.5),
        ),
    ),
    "automobile": Scene(
        ("#c9d6df", "#8a8a86"),
        (
            _ellipse("#5b5b58", 0.06, 0.76, 0.94, 0.88),
            _polygon("#b3161b", 0.24, 0.5, 0.34, 0.3, 0.66, 0.3, 0.78, 0.5),
            _polygon("#cfe3ee", 0.29, 0.49, 0.36, 0.34, 0.49, 0.34, 0.49, 0.49),
            _polygon("#cfe3ee", 0.52, 0.49, 0.52, 0.34, 0.64, 0.34, 0.72, 0.49),
            _polygon("#c9252b", 0.05, 0.52, 0.2, 0.48, 0.84, 0.48, 0.95, 0.56, 0.95, 0.74, 0.05, 0.74),
            *(_ellipse("#1c1c1c", x, 0.62, x + 0.2, 0.84) for x in (0.14, 0.66)),
            *(_ellipse("#b9bec2", x, 0.68, x + 0.08, 0.78) for x in (0.2, 0.72)),
            _ellipse("#f5e7a1", 0.88, 0.56, 0.95, 0.63),
        ),
    ),
    "bird": Scene(
        ("#bcd3b0", "#7d9a63"),
        (
            _box("#6b4a2f", 0, 0.76, 1, 0.82),
            _polygon("#5b4636", 0.08, 0.66, 0.3, 0.5, 0.4, 0.62),
            _ellipse("#8a5a36", 0.24, 0.36, 0.74, 0.72),
            _ellipse("#d98a4a", 0.42, 0.42, 0.76, 0.72),
            _ellipse("#7a4f30", 0.58, 0.18, 0.84, 0.44),
            _polygon("#e3b23c", 0.82, 0.28, 0.96, 0.32, 0.82, 0.36),
            _ellipse("#111111", 0.72, 0.25, 0.77, 0.3),
            _polygon("#5f3d25", 0.26, 0.48, 0.56, 0.44, 0.4, 0.64),
            _box("#4b3a2a", 0.46, 0.7, 0.48, 0.78),
            _box("#4b3a2a", 0.56, 0.7, 0.58, 0.78),
        ),
    ),
    "cat": Scene(
        ("#c8b59c", "#a58d72"),
        (
            _ellipse("#6f6a66", 0.22, 0.56, 0.78, 1.2),
            _polygon("#5f5a57", 0.2, 0.44, 0.22, 0.08, 0.46, 0.26),
            _polygon("#5f5a57", 0.8, 0.44, 0.78, 0.08, 0.54, 0.26),
            _polygon("#c79a94", 0.26, 0.3, 0.27, 0.16, 0.38, 0.26),
            _polygon("#c79a94", 0.74, 0.3, 0.73, 0.16, 0.62, 0.26),
            _ellipse("#7d7773", 0.18, 0.2, 0.82, 0.74),
            _ellipse("#b7b0aa", 0.34, 0.48, 0.66, 0.72),
            *(_ellipse("#b9c04a", x, 0.36, x + 0.14, 0.48) for x in (0.28, 0.58)),
            *(_ellipse("#111111", x, 0.36, x + 0.05, 0.48) for x in (0.325, 0.625)),
            _polygon("#c4726c", 0.46, 0.52, 0.54, 0.52, 0.5, 0.58),
            *(_polygon("#4c4845", x, 0.22, x + 0.03, 0.22, x + 0.015, 0.33) for x in (0.42, 0.485, 0.55)),
        ),
    ),
    "deer": Scene(
        ("#6f8f52", "#56743d"),
        (
            *(_box("#7a5230", x, 0.6, x + 0.05, 0.92) for x in (0.26, 0.36, 0.58, 0.66)),
            _ellipse("#9c6b3f", 0.2, 0.42, 0.74, 0.68),
            _polygon("#9c6b3f", 0.6, 0.52, 0.68, 0.24, 0.8, 0.28, 0.74, 0.56),
            _ellipse("#8f6038", 0.66, 0.16, 0.94, 0.36),
            _ellipse("#111111", 0.76, 0.22, 0.8, 0.26),
            *(_polygon("#4a3521", x, 0.2, x - 0.12, 0.0, x - 0.08, 0.0, x + 0.04, 0.2) for x in (0.7, 0.78)),
            *(_polygon("#4a3521", x, 0.1, x + 0.1, 0.0, x + 0.13, 0.02, x + 0.02, 0.13) for x in (0.62, 0.74)),
            _ellipse("#e8dcc6", 0.18, 0.46, 0.26, 0.56),
        ),
    ),
    "dog": Scene(
        ("#b7c7a2", "#8fa878"),
        (
            _ellipse("#8c5f35", 0.2, 0.6, 0.8, 1.3),
            _ellipse("#e9dfce", 0.36, 0.66, 0.64, 1.3),
            _ellipse("#b07c48", 0.22, 0.12, 0.78, 0.66),
            _ellipse("#6d4526", 0.1, 0.16, 0.32, 0.62),
            _ellipse("#6d4526", 0.68, 0.16, 0.9, 0.62),
            _ellipse("#ead9bd", 0.36, 0.4, 0.64, 0.72),
            _polygon("#ead9bd", 0.46, 0.14, 0.54, 0.14, 0.56, 0.46, 0.44, 0.46),
            *(_ellipse("#1a120b", x, 0.3, x + 0.09, 0.4) for x in (0.34, 0.57)),
            _ellipse("#1a120b", 0.43, 0.44, 0.57, 0.54),
            _ellipse("#cf6b6b", 0.46, 0.6, 0.54, 0.76),
        ),
    ),
    "frog": Scene(
        ("#c9b98f", "#9c8b62"),
        (
            _ellipse("#3f6b28", 0.04, 0.5, 0.4, 0.86),
            _ellipse("#3f6b28", 0.6, 0.5, 0.96, 0.86),
            _ellipse("#5c8f35", 0.16, 0.32, 0.84, 0.86),
            _ellipse("#c8d99a", 0.28, 0.58, 0.72, 0.88),
            *(_ellipse("#5c8f35", x, 0.16, x + 0.24, 0.42) for x in (0.2, 0.56)),
            *(_ellipse("#e0c34a", x, 0.2, x + 0.16, 0.36) for x in (0.24, 0.6)),
            *(_ellipse("#111111", x, 0.24, x + 0.08, 0.32) for x in (0.28, 0.64)),
            _polygon("#33541f", 0.26, 0.54, 0.74, 0.54, 0.5, 0.6),
            *(_ellipse("#3f6b28", x, 0.82, x + 0.22, 0.92) for x in (0.12, 0.66)),
        ),
    ),
    "horse": Scene(
        ("#a9c6e0", "#6e8f4a"),
        (
            *(_box("#4a2c18", x, 0.6, x + 0.06, 0.94) for x in (0.24, 0.34, 0.58, 0.68)),
            _polygon("#24140b", 0.2, 0.46, 0.08, 0.5, 0.1, 0.8, 0.16, 0.56),
            _ellipse("#6b3f22", 0.18, 0.38, 0.78, 0.7),
            _polygon("#6b3f22", 0.6, 0.52, 0.7, 0.14, 0.86, 0.16, 0.78, 0.54),
            _polygon("#5d361d", 0.7, 0.14, 0.8, 0.08, 0.98, 0.34, 0.9, 0.42, 0.78, 0.28),
            _polygon("#24140b", 0.56, 0.42, 0.66, 0.1, 0.74, 0.08, 0.68, 0.44),
            _ellipse("#0d0805", 0.81, 0.18, 0.85, 0.22),
        ),
    ),
    "ship": Scene(
        ("#a9cbe8", "#a9cbe8"),
        (
            _box("#2f6690", 0, 0.68, 1, 1),
            _polygon("#27344a", 0.06, 0.54, 0.94, 0.54, 0.84, 0.76, 0.16, 0.76),
            _box("#b3262b", 0.13, 0.7, 0.87, 0.76),
            _box("#f2f2ee", 0.24, 0.4, 0.72, 0.54),
            _box("#f2f2ee", 0.3, 0.28, 0.56, 0.4),
            _box("#d2622a", 0.58, 0.2, 0.68, 0.4),
            *(_box("#3a4a5c", x, 0.44, x + 0.05, 0.49) for x in (0.3, 0.41, 0.52, 0.63)),
            _box("#5b6470", 0.42, 0.08, 0.44, 0.28),
            *(_ellipse("#5b8fb5", x, 0.82, x + 0.2, 0.86) for x in (0.1, 0.44, 0.74)),
        ),
    ),
    "truck": Scene(
        ("#b9cbd8", "#7f7f7b"),
        (
            _box("#e9e6dd", 0.04, 0.22, 0.62, 0.68),
            _box("#c9c5b8", 0.04, 0.6, 0.62, 0.68),
            _polygon("#2d5f9e", 0.64, 0.36, 0.82, 0.36, 0.95, 0.54, 0.95, 0.74, 0.64, 0.74),
            _polygon("#cfe3ee", 0.7, 0.4, 0.8, 0.4, 0.89, 0.54, 0.7, 0.54),
            _box("#3a3a3a", 0.04, 0.68, 0.94, 0.75),
            *(_ellipse("#161616", x, 0.66, x + 0.18, 0.86) for x in (0.1, 0.32, 0.7)),
            *(_ellipse("#a8adb1", x, 0.72, x + 0.07, 0.8) for x in (0.155, 0.375, 0.755)),
        ),
    ),
}


def draw_sample(name: str) -> NDArray[np.uint8]:
    """The drawing of this class: RGB, (32, 32, 3)."""
    scene = SCENES[name]
    picture = Image.linear_gradient("L").resize((_LARGE, _LARGE))
    picture = Image.composite(
        Image.new("RGB", picture.size, scene.ground[1]), Image.new("RGB", picture.size, scene.ground[0]), picture
    )
    canvas = ImageDraw.Draw(picture)
    paint = {"ellipse": canvas.ellipse, "box": canvas.rectangle, "polygon": canvas.polygon}
    for shape in scene.shapes:
        paint[shape.kind]([place * _LARGE for place in shape.points], fill=shape.colour)
    blurred = picture.filter(ImageFilter.GaussianBlur(_LARGE / SIDE / 3))
    return np.asarray(blurred.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
