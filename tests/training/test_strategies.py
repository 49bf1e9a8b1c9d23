"""Which strategy a run gets, and what results say of it."""

from pathlib import Path

import pytest
import torch
from cases import ROOT, small_network

import resnetzoo
from resnetzoo.errors import ResultsError
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.opening import make_loader
from resnetzoo.training.strategies import choose
from resnetzoo.training.strategies.base import StepState, Strategy
from resnetzoo.training.strategies.choose import choose_strategy, explain_choice
from resnetzoo.training.strategies.compiled import REPAID_BY_IMAGES, CompiledStep
from resnetzoo.training.strategies.cuda_graph import CudaGraphStep
from resnetzoo.training.strategies.ddp import DDPStep
from resnetzoo.training.strategies.eager import EagerStep
from resnetzoo.training.strategies.execution import Execution

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
    stream: object = None,
) -> Strategy:
    data = resnetzoo.synthetic(train_images=64, test_images=1)
    recipe = resnetzoo.Recipe("N", steps, None, 0.1, resnetzoo.recipes.OneCycle(), batch_size=32)
    model = small_network(0)
    state = StepState.create(model, recipe, make_loader(data, recipe, CPU))
    state.stream.cuda = stream  # type: ignore[assignment]
    return choose_strategy(model, recipe, state, "fp32", compile=compile, context=DistributedContext(0, processes))


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


@pytest.mark.parametrize(
    ("compile", "inner", "word"), [(None, EagerStep, "recorded"), (True, CompiledStep, "compiled and recorded")]
)
def test_a_stream_gets_a_graph_of_the_eager_or_the_compiled_step(
    compile: bool | None,  # noqa: A002
    inner: type[Strategy],
    word: str,
) -> None:
    """Any object stands for the stream: nothing is recorded before the steps run."""
    strategy = chosen(compile, stream=object())
    assert isinstance(strategy, CudaGraphStep)
    assert (type(strategy.step), str(strategy.execution)) == (inner, word)


def test_several_processes_share_and_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the other process: its part, the wrapper, is left out. On a stream too no graph is recorded."""
    monkeypatch.setattr(choose, "wrap_ddp", lambda model, context, device: model)
    for stream in (None, object()):
        strategy = chosen(None, steps=LONG, processes=2, stream=stream)
        assert (type(strategy), str(strategy.execution)) == (DDPStep, "shared")


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
