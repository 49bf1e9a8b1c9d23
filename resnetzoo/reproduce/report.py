"""The report of a target, block by block: verdicts, figures, pictures, and how they were made."""

from collections.abc import Sequence

from resnetzoo.reproduce.comparison import by_name, measured_on, provenance_line
from resnetzoo.reproduce.document import Block, Code, Heading, Paragraph, Picture, Table
from resnetzoo.reproduce.outcome import Outcome, Summary
from resnetzoo.reproduce.published import BEST_PEER, PAPER, SOURCE, SOURCE_EPOCH
from resnetzoo.training.results import RunRecord


def tell(outcome: Outcome, pictures: Sequence[Picture]) -> list[Block]:
    """The whole report."""
    blocks: list[Block] = [
        Heading(f"{outcome.target.title}: {measured_on(outcome.records)}", level=1),
        Paragraph(f"{outcome.target.source}. {_protocol(outcome)}"),
        Code(outcome.command),
        *_verdicts(outcome),
        Heading("Test error at the last epoch"),
        _errors(outcome.summaries),
        Paragraph(
            "Percent, top-1: mean and sample standard deviation over n seeds; the binomial standard error is that of "
            "the mean error on this many test images. The paper's column: arXiv:1512.03385, table 6, and "
            "arXiv:1603.05027; the source's: the source document after 20 epochs; the best peer's: one published "
            "checkpoint a depth by the paper's recipe."
        ),
        *pictures,
    ]
    if outcome.failed:
        rows = tuple(outcome.failed.items())
        blocks += [Heading("Runs without a result"), Table(("run", "reason"), rows, first_number=2)]
    if outcome.target.by_epoch:
        blocks += [Heading("Test accuracy by epoch"), _by_epoch(outcome.records)]
    return [*blocks, *_provenance(outcome)]


def _protocol(outcome: Outcome) -> str:
    recipe = outcome.records[0].recipe
    seeds = max(len(row.errors) for row in outcome.summaries)
    words = [
        f"{outcome.budget.label[0].upper()}{outcome.budget.label[1:]}: {recipe.steps:,} steps of {recipe.batch_size},",
        f"up to {seeds} seed{'s' if seeds > 1 else ''} of each network.",
        "Every error is the last epoch's; no epoch was chosen by looking at the test set.",
    ]
    if not outcome.budget.measures:
        words.append("This budget shows that everything runs; its figures mean nothing.")
    elif outcome.budget.shortened:
        words.append("This is a shortened form: the paper's figures stand beside it for orientation only.")
    return " ".join(words)


def _verdicts(outcome: Outcome) -> list[Block]:
    if not outcome.target.claims:
        return []
    return [
        Heading("Verdicts"),
        Paragraph(
            "At 95 % confidence over seeds (Student's t; of two networks, with their spread in common), the test set "
            "taken as given. "
            "Where the runs cannot tell, the answer is: not enough evidence."
        ),
        Table(
            ("claim", "verdict", "figures"),
            tuple((found.claim, found.answer, found.figures) for found in outcome.verdicts),
            first_number=3,
        ),
    ]


def _errors(summaries: Sequence[Summary]) -> Table:
    header = ("network", "parameters", "n", "test error", "± std", "± binomial", "paper", "source", "best peer")
    rows = tuple(
        (
            row.network,
            f"{row.params:,}" if row.params else "-",
            str(len(row.errors)),
            f"{row.mean:.2f}",
            "-" if row.std is None else f"{row.std:.2f}",
            f"{row.standard_error:.2f}",
            *(_published(column.get(row.network)) for column in (PAPER, SOURCE, BEST_PEER)),
        )
        for row in summaries
    )
    return Table(header, rows)


def _published(error: float | None) -> str:
    return "-" if error is None else f"{error:.2f}"


def _by_epoch(records: Sequence[RunRecord]) -> Table:
    """A column a run, in percent."""
    groups = [record for group in by_name(records).values() for record in group]
    header = ("epoch", *(f"{record.name}, seed {record.seed}" for record in groups), "source: plain", "residual")
    last = max(len(record.epochs) for record in groups)
    rows = []
    for place in range(last):
        ours = [f"{100 - record.epochs[place].test_error:.2f}" for record in groups]
        theirs = [f"{100 - error:.2f}" if place + 1 == SOURCE_EPOCH else "-" for error in SOURCE.values()]
        rows.append((str(place + 1), *ours, *theirs))
    return Table(header, tuple(rows), first_number=0)


def _provenance(outcome: Outcome) -> list[Block]:
    data, recipe = outcome.records[0].data, outcome.records[0].recipe.to_dict()
    settings = ", ".join(f"{field} {value}" for field, value in recipe.items())
    runs = tuple(
        (
            record.name,
            str(record.seed),
            f"{record.epochs[-1].train_error:.2f}",
            f"{record.epochs[-1].test_error:.2f}",
            f"{record.wall_seconds:,.0f}",
            f"{record.device}, {record.precision}, {record.execution}",
            record.commit[:12] if record.commit else "unknown",
        )
        for record in outcome.records
    )
    versions = "; ".join(dict.fromkeys(_versions(record) for record in outcome.records))
    return [
        Heading("How it was made"),
        Paragraph(f"{provenance_line(outcome.records)}."),
        Paragraph(f"Data: {data['source']}, SHA-256 {data['fingerprint']}."),
        Paragraph(f"Recipe: {settings}."),
        Paragraph(f"Versions: {versions}."),
        Table(("network", "seed", "training error", "test error", "seconds", "computed on", "commit"), runs),
        Paragraph("All figures: results.json (with its own fingerprint), runs.csv, epochs.csv."),
    ]


def _versions(record: RunRecord) -> str:
    return ", ".join(f"{name} {version}" for name, version in record.versions.items())
