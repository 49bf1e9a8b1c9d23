"""What a run leaves in its folder: read again, taken up, or refused."""

import errno
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from behind import files_behind
from cases import small_network
from torch import nn

import resnetzoo
from resnetzoo.errors import (
    CheckpointError,
    CheckpointMismatchError,
    OutputError,
    ResnetzooError,
    ResultsError,
)
from resnetzoo.training import run_folder, trainer_state
from resnetzoo.training.results import read_record
from resnetzoo.utils import provenance
from resnetzoo.utils.files import keep_as
from resnetzoo.utils.run_names import DAMAGED, RESULTS, STATES
from resnetzoo.weights.checkpoint import torch_file
from resnetzoo.weights.checkpoint.training_state import Checkpoint, read_checkpoint


def fit(
    data: resnetzoo.Data, recipe: resnetzoo.Recipe, out: Path | None = None, *, seed: int = 0, model_seed: int = 0
) -> resnetzoo.Run:
    return resnetzoo.fit(
        small_network(model_seed), data, recipe, seed=seed, precision="fp32", device="cpu", out=out, progress=False
    )


def same_weights(first: nn.Module, second: nn.Module) -> bool:
    one, two = first.state_dict(), second.state_dict()
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


def test_a_finished_run_is_read_and_not_repeated(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fit(tiny_data, tiny_recipe, tmp_path)
    written = {path.name: (path.stat().st_ino, path.read_bytes()) for path in tmp_path.iterdir()}
    with monkeypatch.context() as later:
        later.setattr(provenance, "commit", lambda: "another")
        again = fit(tiny_data, tiny_recipe, tmp_path)
    assert same_weights(first.model, again.model)
    assert again.to_dict() == first.to_dict() == read_record(tmp_path / "run.json").to_dict()
    assert {path.name: (path.stat().st_ino, path.read_bytes()) for path in tmp_path.iterdir()} == written
    (tmp_path / "run.json").write_text((tmp_path / "run.json").read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(ResultsError, match="changed since it was written"):
        fit(tiny_data, tiny_recipe, tmp_path)


@pytest.mark.parametrize("behind", [False, True])
def test_a_finished_run_is_read_where_its_log_is_gone_and_cannot_be_written(
    tiny_data: resnetzoo.Data,
    tiny_recipe: resnetzoo.Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    behind: bool,
) -> None:
    """As in a read-only folder; an unfinished one is refused before it trains. A folder in its place stops root too."""
    first = fit(tiny_data, tiny_recipe, tmp_path)
    if behind:  # as on CUDA
        monkeypatch.setattr(trainer_state, "choose_run_files", files_behind)
    (tmp_path / "log.jsonl").unlink()
    (tmp_path / "log.jsonl").mkdir()
    assert fit(tiny_data, tiny_recipe, tmp_path).epochs == first.epochs
    keep_as(tmp_path / "checkpoint.previous.pt", tmp_path / "checkpoint.pt")
    with pytest.raises(OutputError, match=r"cannot write .*log\.jsonl"):
        fit(tiny_data, tiny_recipe, tmp_path)
    assert read_checkpoint(tmp_path / "checkpoint.pt").step < tiny_recipe.steps


def test_an_epoch_that_was_repeated_after_a_damage_belongs_to_its_record(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    """On a CPU it has the same figures, and other times; a rate of numpy has another `repr`."""
    recipe = replace(tiny_recipe, lr=np.float64(0.05))
    first = fit(tiny_data, recipe, tmp_path)
    record = (tmp_path / "run.json").read_bytes()
    (tmp_path / "checkpoint.pt").write_bytes(b"")
    with pytest.warns(UserWarning, match="the run continues from"):
        fit(tiny_data, recipe, tmp_path)
    (tmp_path / "run.json").write_bytes(record)
    assert fit(tiny_data, recipe, tmp_path).epochs == first.epochs


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("run.json", "the record of another run than the checkpoint beside it: they differ in epoch 1"),
        ("test_logits.safetensors", "and the run in its folder recorded .* they are of different runs"),
    ],
)
def test_a_file_of_another_run_is_refused(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, name: str, message: str
) -> None:
    first = fit(tiny_data, tiny_recipe, tmp_path / "a")
    second = fit(tiny_data, tiny_recipe, tmp_path / "b", seed=1, model_seed=1)
    assert first.epochs[-1].test_error == second.epochs[-1].test_error  # the losses differ
    (tmp_path / "a" / name).write_bytes((tmp_path / "b" / name).read_bytes())
    with pytest.raises(ResultsError, match=message):
        fit(tiny_data, tiny_recipe, tmp_path / "a")
    job = resnetzoo.Job(small_network(0), tiny_recipe, out=tmp_path / "a")
    with pytest.raises(ResnetzooError, match=message):
        resnetzoo.fit_many([job], tiny_data, precision="fp32", device="cpu", progress=False)
    (tmp_path / "a" / name).unlink()
    again = fit(tiny_data, tiny_recipe, tmp_path / "a")
    assert again.epochs == first.epochs == read_record(tmp_path / "a" / "run.json").epochs


def test_a_checkpoint_gives_the_network_back(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    run = fit(tiny_data, replace(tiny_recipe, normalization="per_pixel_mean"), tmp_path)
    model = resnetzoo.load_checkpoint(tmp_path)
    assert same_weights(model, run.model)
    assert model.spec == run.spec
    assert not model.training
    assert resnetzoo.evaluate(model, tiny_data.test).error == run.epochs[-1].test_error


def test_a_damaged_checkpoint_is_refused_by_name_and_the_previous_used(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    straight = fit(tiny_data, tiny_recipe, tmp_path)
    path = tmp_path / "checkpoint.pt"
    whole = path.read_bytes()
    one_bit = bytearray(whole)
    one_bit[len(whole) // 2] ^= 1
    for content in (whole[:-500], whole[:100], one_bit, b"", b"garbage"):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"checkpoint\.pt: (truncated|empty)"):
            resnetzoo.load_checkpoint(path)
        with pytest.warns(
            UserWarning, match=r"checkpoint\.pt: .*: not used, .* the run continues from .*checkpoint\.previous\.pt"
        ):
            again = fit(tiny_data, tiny_recipe, tmp_path)
        assert same_weights(again.model, straight.model)


def test_only_what_was_read_is_damaged(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read errors of a real file (EIO), too little memory, links to nothing, other versions: nothing is renamed."""
    fit(tiny_data, tiny_recipe, tmp_path / "run")
    last = tmp_path / "run" / "checkpoint.pt"
    kept = last.rename(tmp_path / "kept.pt")
    later = {**torch.load(kept, weights_only=True), "format": "resnetzoo-checkpoint-2"}
    torch.save(later, tmp_path / "later.pt")

    def stops(message: str) -> None:
        names = sorted(path.name for path in (tmp_path / "run").iterdir())
        with pytest.raises(CheckpointError, match=message):
            fit(tiny_data, tiny_recipe, tmp_path / "run")
        assert sorted(path.name for path in (tmp_path / "run").iterdir()) == names

    for target, message in (
        (Path("/proc/self/mem"), "checkpoint.pt: cannot be read: Input/output error"),
        (tmp_path / "nothing", "checkpoint.pt: no such checkpoint, but a link to a missing file"),
        (tmp_path / "later.pt", "in the format resnetzoo-checkpoint-2, this version of resnetzoo reads"),
        (tmp_path / "run", "no such checkpoint: it is not a file"),
    ):
        last.symlink_to(target)
        stops(message)
        last.unlink()
    kept.rename(last)
    for error, message in (
        (MemoryError(), "too little memory to read"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "too little memory to read"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(torch, "load", Mock(side_effect=error))
            stops(message)
    last.write_bytes(last.read_bytes()[:-100])
    with monkeypatch.context() as patch:  # a sector behind the first bytes
        patch.setattr(torch_file, "check_readable", Mock(side_effect=OSError(errno.EIO, "Input/output error")))
        stops("checkpoint.pt: cannot be read: Input/output error")


def test_a_damaged_checkpoint_may_be_set_aside_by_another_process(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = fit(tiny_data, tiny_recipe, tmp_path)
    last = tmp_path / "checkpoint.pt"
    last.write_bytes(b"garbage")
    read = run_folder.read_checkpoint

    def read_beside_another(path: Path) -> Checkpoint:
        try:
            return read(path)
        except CheckpointError:
            path.replace(tmp_path / DAMAGED)
            raise

    monkeypatch.setattr(run_folder, "read_checkpoint", read_beside_another)
    with pytest.warns(UserWarning, match=r"checkpoint\.pt: .*: not used, .* the run continues from"):
        again = fit(tiny_data, tiny_recipe, tmp_path)
    assert same_weights(again.model, straight.model)


def test_only_damaged_checkpoints_stop(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"garbage")
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt: truncated or damaged, 7 bytes .*to start over"):
        fit(tiny_data, tiny_recipe, tmp_path)
    (tmp_path / "checkpoint.previous.pt").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"7 bytes .*, and .*previous\.pt: empty: 0 bytes found. .*to start over"):
        fit(tiny_data, tiny_recipe, tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == b"garbage"


def test_a_checkpoint_of_something_else_is_no_checkpoint(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match=r"other\.pt: not a checkpoint of resnetzoo"):
        read_checkpoint(tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match=r"nowhere\.pt: no such checkpoint"):
        read_checkpoint(tmp_path / "nowhere.pt")


def test_another_run_is_refused_by_its_differing_fields(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    fit(tiny_data, tiny_recipe, tmp_path)
    kept = (tmp_path / "checkpoint.pt").read_bytes()
    other_data = resnetzoo.synthetic(seed=2, train_images=48, test_images=20)
    plain = resnetzoo.CifarNet(resnetzoo.ModelSpec("plain", 8, widths=(4, 8, 16)))
    cases = [
        (small_network(0), tiny_data, replace(tiny_recipe, lr=0.2), 0, "recipe.lr is 0.05 there, 0.2 here"),
        (small_network(0), tiny_data, tiny_recipe, 1, "seed is 0 there, 1 here"),
        (small_network(0), other_data, tiny_recipe, 0, "data.fingerprint is '"),
        (plain, tiny_data, tiny_recipe, 0, "spec.family is 'residual' there, 'plain' here"),
        (plain, tiny_data, tiny_recipe, 4, "seed is 0 there, 4 here; spec.family is"),
    ]
    for model, data, recipe, seed, message in cases:
        with pytest.raises(CheckpointMismatchError, match=message):
            resnetzoo.fit(model, data, recipe, seed=seed, precision="fp32", device="cpu", out=tmp_path, progress=False)
    with pytest.raises(CheckpointMismatchError, match="precision is 'fp32' there, 'bf16' here"):
        resnetzoo.fit(small_network(0), tiny_data, tiny_recipe, precision="bf16", out=tmp_path, progress=False)
    assert (tmp_path / "checkpoint.pt").read_bytes() == kept


@pytest.mark.parametrize("extend_to", [None, 9])
def test_another_part_of_the_data_is_named(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, extend_to: int | None
) -> None:
    fit(tiny_data, tiny_recipe, tmp_path)
    title, part = "the synthetic dataset", tiny_data.first(32)
    with pytest.raises(
        CheckpointMismatchError,
        match=rf"another run: the data are {title} there, {title}, first 32 training images here(; recipe.*)?\. Choose",
    ):
        resnetzoo.fit(
            *(small_network(0), part, tiny_recipe),
            precision="fp32",
            device="cpu",
            out=tmp_path,
            extend_to=extend_to,
            progress=False,
        )


def test_other_weights_at_the_start_or_other_frozen_ones_are_another_run(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    first = fit(tiny_data, tiny_recipe, tmp_path / "run")
    kept = (tmp_path / "run" / "checkpoint.pt").read_bytes()
    advice = r'such as out=".*/run-2", or move that one away, as fresh=True does'
    with pytest.raises(CheckpointMismatchError, match=f"began with other weights .* {advice}"):
        fit(tiny_data, tiny_recipe, tmp_path / "run", model_seed=1)
    one_bias, frozen, slower = small_network(0), small_network(0), small_network(0)
    slower.bn1.momentum = 0.01
    with torch.no_grad():
        one_bias.fc.bias[3] += 1e-3
    frozen.conv1.requires_grad_(requires_grad=False)
    for model, message in (
        (one_bias, "began with other weights"),
        (frozen, r"no parameters are frozen there, 1 parameter is frozen \(conv1.weight\) here"),
        (slower, r"a norm or dropout has another setting, bn1.momentum=0.01 only here"),
    ):
        job = resnetzoo.Job(model, tiny_recipe, out=tmp_path / "run")
        with pytest.raises(CheckpointMismatchError, match=message):
            resnetzoo.fit_many([job], tiny_data, precision="fp32", device="cpu", progress=False)
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == kept
    last_bits = small_network(0)  # as another kind of CPU draws them
    with torch.no_grad():
        for parameter in last_bits.parameters():
            parameter.mul_(1 + 1e-7)
    for model in (last_bits, first.model):
        again = resnetzoo.fit(
            model, tiny_data, tiny_recipe, precision="fp32", device="cpu", out=tmp_path / "run", progress=False
        )
        assert again.epochs == first.epochs


def test_a_fresh_run_moves_the_old_one_aside(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def begin(model_seed: int) -> resnetzoo.Run:
        return resnetzoo.fit(
            small_network(model_seed),
            tiny_data,
            tiny_recipe,
            precision="fp32",
            device="cpu",
            out=tmp_path / "run",
            fresh=True,
            progress=False,
        )

    begin(0)
    assert capsys.readouterr().out == ""
    names = ("checkpoint.pt", "checkpoint.previous.pt", "log.jsonl", "run.json", "test_logits.safetensors")
    kept = {name: (tmp_path / "run" / name).read_bytes() for name in names}
    second = begin(1)
    assert f"what was in {tmp_path / 'run'} is in {tmp_path / 'run-old1'} now" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in (tmp_path / "run-old1").iterdir()} == kept
    assert read_record(tmp_path / "run" / "run.json").to_dict() == second.to_dict()
    begin(1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run-old1", "run-old2"]


def test_a_run_of_a_version_that_kept_no_starting_weights_goes_on(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    straight = fit(tiny_data, tiny_recipe, tmp_path)
    stored = torch.load(tmp_path / "checkpoint.previous.pt", weights_only=True)
    del stored["identity"]["starting_point"]
    torch.save(stored, tmp_path / "checkpoint.pt")
    (tmp_path / "run.json").unlink()
    resumed = fit(tiny_data, tiny_recipe, tmp_path, model_seed=9)
    assert same_weights(resumed.model, straight.model)
    assert "starting_point" not in read_checkpoint(tmp_path / "checkpoint.pt").identity


def test_what_killed_processes_left_half_written_goes(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    fit(tiny_data, tiny_recipe, tmp_path)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == sorted({*STATES, *RESULTS} - {DAMAGED})
    for name in (*written, DAMAGED):
        for process in ("999", "999.0a1b2c"):  # of an earlier version and of this one
            (tmp_path / f".{name}.{process}.tmp").write_bytes(b"half")
    (tmp_path / ".notes.999.tmp").write_bytes(b"somebody's")
    fit(tiny_data, tiny_recipe, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".notes.999.tmp", *written]


@pytest.mark.parametrize("place", ["file/run", "/proc/no/run"])
def test_an_unwritable_folder_is_found_out_before_training(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*/run/checkpoint\.pt: .*choose another folder$"):
        fit(tiny_data, tiny_recipe, tmp_path / place)
