"""Export a trained network to ONNX, and classify a photo with onnxruntime alone.

    python examples/export_onnx.py photo.jpg --out resnet20.onnx

The file holds the preprocessing too, so whoever runs it needs neither torch nor the normalization. It needs onnx and
onnxruntime: python -m pip install ".[onnx]"
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # while the packages are imported, Ctrl-C ends this without a traceback


import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

import resnetzoo


def main() -> None:
    args = parse_args()
    model = resnetzoo.create("resnet20", weights=True)
    print(resnetzoo.export_onnx(resnetzoo.WithPreprocessing(model), args.out))
    for name, probability in classify(args.out, args.photo):
        print(f"{name:<12} {probability:.1%}")


def classify(network: Path, photo: Path, top: int = 3) -> list[tuple[str, float]]:
    """The likeliest classes with their probabilities; it needs the file and onnxruntime, not this package."""
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    image = ImageOps.exif_transpose(Image.open(photo))
    if image.mode.startswith(("I", "F")):  # Pillow would clip such samples to 255
        raise SystemExit(f"{photo} has samples of more than 8 bits (mode {image.mode}): save it with 8 bits first")
    pixels = np.asarray(ImageOps.fit(image.convert("RGB"), (32, 32)))[None]  # uint8 (1, 32, 32, 3)
    (probabilities,) = session.run(None, {"pixels": pixels})  # (1, 10)
    classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
    return [(classes[place], float(probabilities[0, place])) for place in np.argsort(-probabilities[0])[:top]]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the .onnx file, replaced if there is one")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(resnetzoo.run_main(main))
