"""Which strategy a run gets, and what results say of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cases import ROOT, small_network
from op_recorder import OpRecorder
from torch import nn

import resnetzoo
from resnetzoo.errors import ResultsError
from resnetzoo.training import evaluation_pass
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.opening import make_loader, open_trainer
from resnetzoo.training.strategies import choose, eager
from resnetzoo.training.strategies.base import SEARCH_REPAID_BY_STEPS, StepState, Strategy
from resnetzoo.training.strategies.choose import choose_strategy, explain_choice
from resnetzoo.training.strategies.compiled import REPAID_BY_IMAGES, CompiledStep
from resnetzoo.training.strategies.ddp import DDPStep
from resnetzoo.training.strategies.eager import EagerStep
from resnetzoo.training.strategies.execution import Execution
from resnetzoo.training.strategies.recorded import RecordedStep
from resnetzoo.training.strategies.recording import RunRecorder

CPU = torch.device("cpu")
WORDS = {
    "eager": Execution(),
    "compiled": Execution(compiled=True),
    "recorded": Execution(recorded=True),
    "compiled and recorded": Execution(compiled=True, recorded=True),
    "shared": Execution(shared=True),
}


def chosen(
    compile: bool | None,  # noqa: A002 (torch's own word)
    *,
    steps: int = 1,
    processes: int = 1,
    record: bool | None = None,
    recorder: RunRecorder | None = None,
) -> Strategy:
    data = resnetzoo.synthetic(train_images=64, test_images=1)
    recipe = resnetzoo.Recipe("N", steps, None, 0.1, resnetzoo.recipes.OneCycle(), batch_size=32)
    model = small_network(0)
    state = StepState.create(model, recipe, make_loader(data, recipe, CPU), torch.channels_last)
    state = replace(state, recorder=recorder)
    context = DistributedContext(0, processes)
    return choose_strategy(model, recipe, state, "fp32", compile=compile, record=record, context=context)


LONG = REPAID_BY_IMAGES // 32 + 1  # steps


@pytest.mark.parametrize(
    ("compile", "steps", "kind", "word"),
    [
        (None, 1, EagerStep, "eager"),
        (None, LONG, CompiledStep, "compiled"),
        (False, LONG, EagerStep, "eager"),
        (True, 1, CompiledStep, "compiled"),
    ],
)
def test_a_process_alone_on_a_cpu(
    compile: bool | None,  # noqa: A002
    steps: int,
    kind: type[Strategy],
    word: str,
) -> None:
    strategy = chosen(compile, steps=steps)
    assert (type(strategy), str(strategy.execution)) == (kind, word)


@pytest.mark.parametrize("record", [None, True])
@pytest.mark.parametrize(
    ("compile", "inner", "word"), [(None, EagerStep, "recorded"), (True, CompiledStep, "compiled and recorded")]
)
def test_where_there_is_a_recorder_the_eager_or_the_compiled_step_is_recorded(
    compile: bool | None,  # noqa: A002
    record: bool | None,
    inner: type[Strategy],
    word: str,
) -> None:
    strategy = chosen(compile, record=record, recorder=OpRecorder())
    assert isinstance(strategy, RecordedStep)
    assert (type(strategy.step), str(strategy.execution)) == (inner, word)


@pytest.mark.parametrize(("compile", "kind", "word"), [(None, EagerStep, "eager"), (True, CompiledStep, "compiled")])
def test_recording_can_be_declined(
    compile: bool | None,  # noqa: A002
    kind: type[Strategy],
    word: str,
) -> None:
    strategy = chosen(compile, record=False, recorder=OpRecorder())
    assert (type(strategy), str(strategy.execution), strategy.recording) == (kind, word, None)


def test_recording_that_cannot_be_is_refused() -> None:
    with pytest.raises(resnetzoo.UsageError, match=r'recorded on CUDA only, and this run is on cpu: .* device="cuda"'):
        chosen(None, record=True)
    with pytest.raises(resnetzoo.UsageError, match="2 processes share the run, and a shared step is not recorded"):
        chosen(None, record=True, processes=2, recorder=OpRecorder())


def test_several_processes_share_and_nothing_is_compiled_or_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the other process: its part, the wrapper, is left out."""
    monkeypatch.setattr(choose, "wrap_ddp", lambda model, context, device: nn.DataParallel(model))
    for recorder in (None, OpRecorder()):
        strategy = chosen(None, steps=LONG, processes=2, recorder=recorder)
        assert (type(strategy), str(strategy.execution), strategy.recording) == (DDPStep, "shared", None)


@pytest.mark.parametrize(("steps", "search"), [(SEARCH_REPAID_BY_STEPS - 1, False), (SEARCH_REPAID_BY_STEPS, True)])
def test_cudnn_searches_in_whole_batches_of_long_runs(
    steps: int, search: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool | None] = []

    @contextmanager
    def note(device: torch.device, *, benchmark: bool | None = None) -> Iterator[None]:
        asked.append(benchmark)
        yield

    for module in (eager, evaluation_pass):
        monkeypatch.setattr(module, "full_fp32", note)
    data = resnetzoo.synthetic(train_images=48, test_images=20)
    recipe = resnetzoo.Recipe("N", steps, None, 0.1, resnetzoo.recipes.OneCycle(), batch_size=32)
    with open_trainer(small_network(0), data, recipe, device="cpu", compile=False) as trainer:
        running = trainer.steps()
        for _ in range(3):  # a whole batch, a smaller one, the test
            next(running)
    assert asked == [search, False, False]


@pytest.mark.parametrize("word", WORDS)
def test_an_execution_is_read_back(word: str) -> None:
    assert Execution.parse(word) == WORDS[word]
    assert str(WORDS[word]) == word


def test_an_unknown_execution_is_refused() -> None:
    with pytest.raises(ResultsError, match='unknown execution "interpreted"; known: eager, compiled, recorded'):
        Execution.parse("interpreted")


def test_records_say_whether_they_were_compiled() -> None:
    paths = sorted(Path(ROOT, "docs", "results").glob("*/results.json"))
    records = [record for path in paths for record in resnetzoo.read_records(path)]
    assert records
    for record in records:
        assert record.compiled is record.execution.startswith("compiled")


@pytest.mark.parametrize(
    ("word", "device", "processes", "said"),
    [
        ("eager", "cpu", 1, "step eager: compiling pays from some 150,000 images on, and this run learns from 96"),
        (
            "compiled",
            "cpu",
            1,
            "step compiled: compiling pays from some 150,000 images on, and this run learns from 96; "
            "the first step takes longer",
        ),
        ("compiled and recorded", "cuda", 1, "step compiled and recorded"),
        ("eager", "mps", 1, "step eager"),
        ("shared", "cuda", 3, "3 processes share each batch"),
    ],
)
def test_a_choice_is_explained(word: str, device: str, processes: int, said: str) -> None:
    context = DistributedContext(0, processes)
    assert explain_choice(Execution.parse(word), torch.device(device), 96, context) == said
