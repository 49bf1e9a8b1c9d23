"""The model card of a network: the facts about its weights, for people and as metadata of the Hugging Face Hub."""

import hashlib
from collections.abc import Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.complexity import complexity
from resnetzoo.models.fingerprint import true_row
from resnetzoo.models.introspection import class_names, current_spec, image_shape
from resnetzoo.models.pretrained import Weights
from resnetzoo.utils.markdown import plain, table
from resnetzoo.utils.text import encodable

# The title of a dataset and its name on the hub; rows that others wrote may state any dataset in words of their own.
_DATA = {"cifar10": ("CIFAR-10", "uoft-cs/cifar10"), "cifar100": ("CIFAR-100", "uoft-cs/cifar100")}


def card_of(model: CifarNet, metadata: Mapping[str, Any]) -> str:
    """The file README.md of a repository: metadata in YAML, then the card in Markdown.

    It states the facts of the network's row of weights, as long as the network still has those weights; otherwise only
    what the network itself states. `metadata` contains fields of the metadata to override.
    """
    row = true_row(model)
    data = ModelCardData(**{**_metadata(model, row), **metadata})
    return with_hash(encodable(f"---\n{data.to_yaml()}\n---\n\n{_text(model, row)}"))


def _metadata(model: CifarNet, row: Weights | None) -> dict[str, Any]:
    """Metadata for the hub's search; with a row also its license, dataset and accuracy."""
    tags = ["cifar", model.spec.family, f"arxiv:{model.spec.paper}", "model_hub_mixin", "pytorch_model_hub_mixin"]
    always = {"library_name": "resnetzoo", "pipeline_tag": "image-classification", "tags": tags}
    if row is None:
        return always
    title, data_set = _DATA.get(row.dataset, (row.dataset, row.dataset))
    accuracy = EvalResult(
        task_type="image-classification",
        dataset_type=data_set,
        dataset_name=title,
        dataset_split="test",
        metric_type="accuracy",
        metric_name=f"top-1 accuracy, percent of {row.test_images:,} images",
        metric_value=round(100 - row.test_error, 2),
    )
    return {
        **always,
        "license": row.licence.lower(),
        **({"datasets": [data_set]} if row.dataset in _DATA else {}),
        "model_name": row.name,
        "eval_results": [accuracy],
    }


def _text(model: CifarNet, row: Weights | None) -> str:
    """The card in Markdown: what the network is, how to use it, and every known fact about its weights."""
    spec, classes = current_spec(model), class_names(model)
    height, width = image_shape(model)
    formula = f"{spec.formula}, norm and ReLU first" if spec.norm_first else spec.formula
    facts = {
        "network": f"{spec.label}: {formula}, {spec.depth} layers in {spec.block} blocks",
        "shortcuts": spec.shortcut if spec.has_shortcuts else "none",
        "parameters": f"{complexity(spec).params:,}",
        "input": f"{spec.in_chans} x {height} x {width}, float, normalized",
        "classes": ", ".join(classes) if classes else f"{spec.num_classes}",
        **_normalization(model),
        **(_training(model) if row is None else _of_row(row)),
    }
    unknown = "" if row else "\nIts accuracy is not recorded: `resnetzoo eval model.safetensors` measures it.\n"
    return (
        f"# {plain(spec.label if row is None else row.name)}\n\n"
        f"A network of [arXiv:{spec.paper}](https://arxiv.org/abs/{spec.paper}) for images of {height} x {width} "
        "pixels, built by `resnetzoo`.\n\n"
        "```python\nfrom resnetzoo.interop.huggingface import HubCifarNet\n\n"
        'model = HubCifarNet.from_pretrained("OWNER/REPOSITORY")  # or a folder\n'
        "logits = model(images)  # float, normalized; model.preprocess(image) makes them from a picture\n```\n\n"
        f"{table(('', ''), list(facts.items()), first_number=2)}\n{unknown}"
    )


def _of_row(row: Weights) -> dict[str, str]:
    return {
        "test error, top-1": f"{row.test_error} % (n = {row.test_images:,} test images)",
        "trained on": row.trained_on,
        "recipe": row.recipe,
        "epoch kept": row.epoch,
        "licence": row.licence,
        "source": row.source,
        "SHA-256 of the source's file": row.sha256,
    }


def _training(model: CifarNet) -> dict[str, str]:
    """What the source file of the weights states about their training."""
    said = {} if model.origin is None else model.origin.training
    return {key.replace("_", " "): str(value) for key, value in said.items()}


def _normalization(model: CifarNet) -> dict[str, str]:
    if model.normalization is None:
        return {"normalization": "unknown"}
    values = model.normalization.to_dict()
    return {
        "normalization": f"(pixel / 255 - mean) / std; {values['kind']}, mean {values['mean']}, std {values['std']}"
    }


_START = "\n<!-- Written by resnetzoo; once it is changed, save_pretrained leaves it alone. "


def with_hash(text: str) -> str:
    """The card followed by its hash, in a comment that Markdown does not show."""
    return f"{text}{_START}{hashlib.sha256(text.encode()).hexdigest()} -->\n"


def is_untouched(card: str) -> bool:
    """Whether the card is unchanged since `with_hash`."""
    text, start, _ = card.rpartition(_START)
    return bool(start) and with_hash(text) == card
