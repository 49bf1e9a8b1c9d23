"""Classify a photo with a pretrained network.

    python examples/classify_photo.py photo.jpg

The network knows the ten classes of CIFAR-10 and nothing else.
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # while the packages are imported, Ctrl-C ends this without a traceback


import argparse
import sys
from pathlib import Path

import torch

import resnetzoo


def main() -> None:
    args = parse_args()
    model = resnetzoo.create("resnet20", weights=True)
    image = resnetzoo.read_image(args.photo)  # rotated upright, as its EXIF data says
    with torch.inference_mode():
        probabilities = model(model.preprocess(image)[None]).softmax(dim=1)[0]  # (10,)
    for probability, place in zip(*probabilities.topk(3), strict=True):
        print(f"{model.classes[place]:<12} {probability:.1%}")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(resnetzoo.run_main(main))
