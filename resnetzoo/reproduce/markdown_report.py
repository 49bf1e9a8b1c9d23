"""The report of a target in Markdown: verdicts, tables, figures, and how they were made."""

from collections.abc import Sequence

from resnetzoo.data.fingerprint import is_version_2
from resnetzoo.reproduce.beside_source import about_source, lead_of_source, source_columns
from resnetzoo.reproduce.comparison import by_name, is_cifar10, measured_on, provenance_line
from resnetzoo.reproduce.outcome import Outcome
from resnetzoo.reproduce.published import PAPER_ERRORS, peer_errors
from resnetzoo.reproduce.source_document import SOURCE_ERRORS
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.markdown import code_block, plain, table
from resnetzoo.utils.text import counted, device_words


def markdown_report(outcome: Outcome, pictures: Sequence[str]) -> str:
    """The whole report.

    Args:
        outcome: the results to report.
        pictures: the pictures, each in Markdown.
    """
    parts = [
        f"# {plain(f'{outcome.target.title}: {measured_on(outcome.records)}')}",
        f"{plain(outcome.target.source)}. {_protocol(outcome)}",
        *([code_block(outcome.command)] if outcome.command else []),
        *_verdicts(outcome),
        "## Test error at the last epoch",
        *_errors(outcome),
        *pictures,
    ]
    if outcome.failed:
        rows = tuple(outcome.failed.items())
        parts += ["## Runs without a result", table(("run", "reason"), rows, first_number=2)]
    if outcome.target.by_epoch:
        parts += ["## Test accuracy by epoch", *_by_epoch(outcome.records)]
    return "\n\n".join([*parts, *_provenance(outcome)]) + "\n"


def _protocol(outcome: Outcome) -> str:
    recipe = outcome.records[0].recipe
    seeds = max(len(row.errors) for row in outcome.summaries)
    label = outcome.budget.label
    sentences = [
        plain(f"{label[0].upper()}{label[1:]}: {recipe.steps:,} steps of {recipe.batch_size},"),
        f"up to {counted(seeds, 'seed')} of each network.",
        "Every error is the last epoch's; no epoch was chosen by looking at the test set.",
    ]
    if not outcome.budget.measures:
        sentences.append("This budget shows that everything runs; its figures mean nothing.")
    elif outcome.budget.shortened:
        sentences.append("This is a shortened form: published figures stand beside it for orientation only.")
    return " ".join(sentences)


def _verdicts(outcome: Outcome) -> list[str]:
    if not outcome.verdicts:
        return []
    rows = [(verdict.claim, verdict.answer, verdict.figures) for verdict in outcome.verdicts]
    return [
        "## Verdicts",
        "At 95 % confidence over seeds (Student's t), the test set taken as given. When two networks are compared, the "
        "test assumes equal variances over seeds, which two or three seeds cannot confirm; if the variances differ, "
        "the interval is too narrow. If the runs cannot decide a claim, the answer is: not enough evidence.",
        table(("claim", "verdict", "figures"), rows, first_number=3),
    ]


def _errors(outcome: Outcome) -> list[str]:
    """The table of errors, with the published ones if the runs are on CIFAR-10, and an explanation of its columns."""
    compared = is_cifar10(outcome.records)
    header = ("network", "parameters", "n", "test error", "± std", "± binomial")
    rows = [
        (
            row.network,
            f"{row.params:,}" if row.params else "-",
            str(len(row.errors)),
            f"{row.mean:.2f}",
            "-" if row.std is None else f"{row.std:.2f}",
            f"{row.standard_error:.2f}",
            *(_published(row.network) if compared else ()),
        )
        for row in outcome.summaries
    ]
    about = (
        "Percent, top-1: mean and sample standard deviation over n seeds; the binomial standard error is that of "
        "the mean error on this many test images."
    )
    if not compared:
        return [table(header, rows), about]
    published = (
        "The papers: arXiv:1512.03385, table 6 (for 110 layers, the best of five runs), and arXiv:1603.05027. The "
        "repositories: the lowest and the highest error that one reports, each by its own recipe, of 160 to 200 epochs "
        f"where stated. The source: the last epoch of the source document, {about_source(outcome.records)}."
    )
    return [table((*header, "papers", "repositories", "source"), rows), f"{about} {published}"]


def _published(network: str) -> tuple[str, str, str]:
    """What the papers, other repositories and the source report for a network."""
    paper, peers, source = PAPER_ERRORS.get(network), peer_errors(network), SOURCE_ERRORS.get(network)
    lowest_and_highest = dict.fromkeys(f"{error:.2f}" for error in (*peers[:1], *peers[-1:]))
    return (
        "-" if paper is None else f"{paper:.2f}",
        " to ".join(lowest_and_highest) or "-",
        "-" if source is None else f"{source:.2f}",
    )


def _by_epoch(records: Sequence[RunRecord]) -> list[str]:
    """Notes about the source's columns, then a table in percent with one column per run and those of the source."""
    ordered = [record for group in by_name(records).values() for record in group]
    source = source_columns(records)
    header = ("epoch", *(f"{record.name}, seed {record.seed}" for record in ordered), *source)
    rows = []
    for place in range(max(len(record.epochs) for record in ordered)):
        ours = [f"{100 - record.epochs[place].test_error:.2f}" for record in ordered]
        theirs = [f"{column[place]:.2f}" if place < len(column) else "-" for column in source.values()]
        rows.append((str(place + 1), *ours, *theirs))
    notes = [f"The source's columns: {about_source(records)}.", lead_of_source(records)] if source else []
    return [*(note for note in notes if note), table(header, rows, first_number=0)]


def _provenance(outcome: Outcome) -> list[str]:
    data, recipe = outcome.records[0].data, outcome.records[0].recipe.to_dict()
    fingerprint = "fingerprint" if is_version_2(data["fingerprint"]) else "SHA-256"
    settings = ", ".join(f"{field} {value}" for field, value in recipe.items())
    counted = any(record.peak_memory_bytes is not None for record in outcome.records)
    runs = [
        (
            record.name,
            str(record.seed),
            f"{record.epochs[-1].train_error:.2f}",
            f"{record.epochs[-1].test_error:.2f}",
            f"{record.wall_seconds:,.0f}",
            *([_memory(record)] if counted else []),
            f"{device_words(record.device)}, {record.precision}, {record.execution}",
            record.commit[:12] if record.commit else "unknown",
        )
        for record in outcome.records
    ]
    costs = ("seconds", "peak memory") if counted else ("seconds",)
    versions = "; ".join(dict.fromkeys(_versions(record) for record in outcome.records))
    return [
        "## How it was made",
        plain(f"{provenance_line(outcome.records)}."),
        plain(f"Data: {data['source']}, {fingerprint} {data['fingerprint']}."),
        plain(f"Recipe: {settings}."),
        plain(f"Versions: {versions}."),
        table(("network", "seed", "training error", "test error", *costs, "computed on", "commit"), runs),
        "All figures: results.json (with its own fingerprint), runs.csv, epochs.csv.",
    ]


def _memory(record: RunRecord) -> str:
    return "-" if record.peak_memory_bytes is None else f"{record.peak_memory_bytes / 2**30:.2f} GiB"


def _versions(record: RunRecord) -> str:
    return ", ".join(f"{name} {version}" for name, version in record.versions.items())
