"""What the callbacks of docs/how-to/callbacks.md leave behind; those of optional libraries are in tests/tools."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from cases import ROOT
from markdown_blocks import blocks_of

import resnetzoo


@pytest.mark.slow
def test_the_page_stops_logs_and_numbers() -> None:
    page: dict[str, Any] = {}
    for block in blocks_of(ROOT / "docs/how-to/callbacks.md"):
        if block.kind == "python" and not block.reason:
            exec(compile(block.code, "callbacks.md", "exec"), page)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    rows = page["run"].epochs
    events = EventAccumulator("runs/logged").Reload()
    for field in ("train_loss", "train_error", "test_loss", "test_error", "lr"):
        scalars = events.Scalars(field)
        assert [event.step for event in scalars] == [row.step for row in rows]
        assert [event.value for event in scalars] == pytest.approx([getattr(row, field) for row in rows])

    assert sorted(path.name for path in Path("runs/numbered").glob("epoch*")) == ["epoch002.pt", "epoch004.pt"]
    last = resnetzoo.load_checkpoint("runs/numbered/epoch004.pt").state_dict()
    assert all(torch.equal(value, last[name]) for name, value in page["run"].model.state_dict().items())
    assert not torch.equal(page["halfway"].fc.weight, last["fc.weight"])

    Path("runs/on").mkdir()
    shutil.copy("runs/numbered/epoch002.pt", "runs/on/checkpoint.pt")
    model = resnetzoo.create("resnet8", seed=0)
    resnetzoo.fit(model, page["data"], page["recipe"], out="runs/on", progress=False)
    assert all(torch.equal(value, last[name]) for name, value in model.state_dict().items())

    stopping = page["EarlyStopping"]
    assert stops_behind(stopping(2), [50.0, 40.0, 41.0, 42.0, 30.0]) == 4
    assert stops_behind(stopping(3), [50.0, 40.0, 41.0, 42.0, 30.0]) is None
    assert stops_behind(stopping(1), [50.0, 50.0, 40.0]) == 2
    assert stops_behind(stopping(1), [50.0, 40.0, 30.0]) is None


def stops_behind(callback: Any, errors: list[float]) -> int | None:
    """The epoch with which the callback ends a run of these test errors."""
    asked: list[int] = []
    trainer = SimpleNamespace(rows=[], request_stop=lambda: asked.append(len(trainer.rows)))
    callback.on_fit_start(trainer)
    for error in errors:
        trainer.rows.append(SimpleNamespace(test_error=error))
        callback.on_epoch_end(trainer, trainer.rows[-1])
    return asked[0] if asked else None
