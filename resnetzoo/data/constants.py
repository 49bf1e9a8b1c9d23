"""Constants of the datasets: image size, and the means and standard deviations that are common in training code."""

from typing import Literal

NormalizationKind = Literal["channel", "per_pixel_mean"]
PaddingMode = Literal["zeros", "reflect"]
INPUT_SIZE = 32  # pixels: CIFAR's

Channels = tuple[float, float, float]  # red, green, blue, on the scale 0 to 1

# Mean and standard deviation, as training code commonly gives them.
IMAGENET: tuple[Channels, Channels] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CIFAR10: tuple[Channels, Channels] = ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
CIFAR100: tuple[Channels, Channels] = ((0.5070, 0.4865, 0.4409), (0.2673, 0.2564, 0.2761))
