"""The source document's figures beside our runs: whether they are comparable, and what the comparison shows."""

from collections.abc import Sequence
from statistics import mean

from resnetzoo.reproduce.comparison import by_name, is_cifar10
from resnetzoo.reproduce.source_document import SOURCE_ACCURACIES, SOURCE_EPOCHS
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.text import counted

FAMILIES = {"plainnet20": "plain", "resnet20": "residual"}
"""The kind of the source's network that each network of ours is compared with."""


def is_like_source(records: Sequence[RunRecord]) -> bool:
    """Whether the runs use the source's data and number of epochs."""
    data = records[0].data
    same_length = all(len(record.epochs) == SOURCE_EPOCHS for record in records)
    return is_cifar10(records) and bool(data["official"]) and not data["part"] and same_length


def source_columns(records: Sequence[RunRecord]) -> dict[str, tuple[float, ...]]:
    """The accuracies by epoch of each network of the source that has a counterpart in the runs, by column title."""
    return {
        f"source: {FAMILIES[name]}": SOURCE_ACCURACIES[name]
        for name in by_name(records)
        if name in SOURCE_ACCURACIES and is_cifar10(records)
    }


def about_source(records: Sequence[RunRecord]) -> str:
    """Say what the source's figures are, and whether they can be compared directly with these runs."""
    epochs = len(records[0].epochs)
    words = f"{SOURCE_EPOCHS} epochs of CIFAR-10, one run, depth and recipe not known"
    if epochs == SOURCE_EPOCHS:
        return words
    here = f"{counted(epochs, 'epoch')} of {records[0].recipe.name}"
    return f"{words}; our runs have {here}, so they are not directly comparable with it"


def lead_of_source(records: Sequence[RunRecord]) -> str:
    """Say in which epochs the source leads our mean over seeds, and who leads at the end; "" if not comparable."""
    if not is_like_source(records):
        return ""
    sentences = []
    for name, group in by_name(records).items():
        if name in SOURCE_ACCURACIES:
            leads = _leads(group, SOURCE_ACCURACIES[name])
            ahead = [epoch for epoch, lead in enumerate(leads, start=1) if lead > 0]
            end = f"{abs(leads[-1]):.2f} points {'lower' if leads[-1] > 0 else 'higher'}"
            sentences.append(
                f"the source's {FAMILIES[name]} network is ahead of the mean of ours (n={len(group)}) in {len(ahead)} "
                f"of {SOURCE_EPOCHS} epochs{_in_words(ahead)}, and ours ends {end}"
            )
    text = "; ".join(sentences)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _leads(group: Sequence[RunRecord], accuracies: Sequence[float]) -> list[float]:
    """The lead of the source's accuracy over our mean in each epoch, in percentage points."""
    ours = [mean(100 - record.epochs[place].test_error for record in group) for place in range(SOURCE_EPOCHS)]
    return [theirs - mine for theirs, mine in zip(accuracies, ours, strict=True)]


def _in_words(epochs: Sequence[int]) -> str:
    """The epochs in words, such as ` (1 to 3, 5)`; "" if there are none."""
    spans: list[list[int]] = []
    for epoch in epochs:
        if spans and epoch == spans[-1][-1] + 1:
            spans[-1].append(epoch)
        else:
            spans.append([epoch])
    words = (f"{span[0]} to {span[-1]}" if len(span) > 1 else str(span[0]) for span in spans)
    return f" ({', '.join(words)})" if spans else ""
