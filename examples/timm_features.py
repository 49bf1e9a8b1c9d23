"""For each image in a folder, find the most similar one by the features of a network from timm.

    python examples/timm_features.py photos/ --network resnet20

Prints each file, the file most similar to it, and the cosine similarity of their features. It needs timm:
python -m pip install ".[timm]"
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # while the packages are imported, Ctrl-C ends this without a traceback


import argparse
import sys
from pathlib import Path

import timm
import torch
from PIL import Image

import resnetzoo.interop.timm  # registers every network with timm, as resnetzoo_NAME

SUFFIXES = {suffix for suffix, name in Image.registered_extensions().items() if name in Image.OPEN}  # that can be read


def main() -> None:
    args = parse_args()
    resnetzoo.get_spec(args.network.split(".")[0])  # a misspelt name is reported with those that are similar
    paths = sorted(path for path in args.folder.glob("[!.]*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if len(paths) < 2:
        raise SystemExit(f"{args.folder} holds {len(paths)} images, but at least two are needed")
    model = timm.create_model(f"resnetzoo_{args.network}", pretrained=True, num_classes=0).eval()  # 0: no classifier
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    images = torch.stack([transform(resnetzoo.read_image(path, "RGB")) for path in paths])  # (N, 3, 32, 32)
    with torch.inference_mode():
        features = torch.nn.functional.normalize(model(images))  # (N, 64), of length 1
    likeness = (features @ features.T).fill_diagonal_(-1)  # (N, N), cosines
    for path, (cosine, place) in zip(paths, zip(*likeness.max(dim=1), strict=True), strict=True):
        print(f"{path.name:<24} {paths[place].name:<24} {cosine:.3f}")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", default="resnet20", help="one of resnetzoo.list_models(pretrained=True)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(resnetzoo.run_main(main))
