"""Files that are no network of ours: each message names the cause, and none is a traceback of another kind."""

import gzip
import io
import json
import os
import pickle
import tarfile
import warnings
import zipfile
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save
from torch import nn
from unsupported_contents import state

import resnetzoo
from resnetzoo import CheckpointError, ModelSpec, UsageError
from resnetzoo.weights.checkpoint.torch_file import read_torch_bytes


class RunsCode:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def saved(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def tarred(*names: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return buffer.getvalue()


def arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, weight=np.zeros(3))
    return buffer.getvalue()


def scripted() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its own scripting deprecated
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), buffer)
    return buffer.getvalue()


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def damaged_middle() -> bytes:
    content = bytearray(saved(state()))
    content[200:400] = bytes(200)
    return bytes(content)


def flipped(content: bytes, place: int, bit: int = 0) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


STATE = state()
GOOD = saved(STATE)
FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty: 0 bytes found"),
    "truncated": (GOOD[:-500], r"truncated or damaged, [\d,]+ bytes found \(an archive without its end\)"),
    "truncated early": (GOOD[:100], "truncated or damaged, 100 bytes found"),
    "truncated legacy": (pickle.dumps(119547037146038801333356, protocol=2), "truncated or damaged, 15 bytes found"),
    "damaged in the middle": (damaged_middle(), "truncated or damaged|lacks"),
    "one bit of a weight": (
        flipped(GOOD, len(GOOD) // 2),
        r"truncated or damaged, .*Bad CRC-32 for file '.*/data/\d+'",
    ),
    "text": (b"accuracy 91.73\n", r"truncated or damaged, 15 bytes found \(text: 'accuracy 91.73"),
    "bytes": (bytes(range(1, 200)), "neither an archive of torch.save nor a pickle"),
    "web page": (b"\n<!DOCTYPE html><html>Sign in</html>", "a web page, not a checkpoint; .*download the file itself"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", "pointer of Git LFS.*git lfs pull"),
    "page behind a byte order mark": (b"\xef\xbb\xbf<html>", "a web page"),
    "page in UTF-16": ("<html>".encode("utf-16"), "a web page"),
    "page with a comment": (b"<!-- moved --><html>", "a web page"),
    "page without its beginning": (b"<head><title>404", "a web page"),
    "JSON": (b'{"error": "not found"}', "a text in JSON"),
    "gzip": (gzip.compress(GOOD), "compressed by gzip; unpack it first"),
    "tar": (tarred("weights.pt"), "a tar archive; unpack it"),
    "tar of torch": (tarred("sys_info", "pickle", "tensors", "storages"), "a tar archive of torch before 0.2"),
    "npy": (b"\x93NUMPY\x01\x00v\x00", r"an array of numpy \(\.npy\)"),
    "npz": (arrays(), r"an archive of numpy \(\.npz\)"),
    "HDF5": (b"\x89HDF\r\n\x1a\n\x00", "a file of HDF5"),
    "ONNX": (b"\x08\x0a\x12\x07pytorch\x1a\x06", "a network in ONNX"),
    "JPEG": (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG image"),
    "torch.export": (zipped(**{"net/archive_format": "pt2"}), r"a program of torch\.export, .*export\.load"),
    "another zip": (zipped(readme="hello"), "a zip archive, but not one of torch.save: it holds readme"),
    "TorchScript": (scripted(), "a TorchScript program, not weights; .*jit.load"),
    "pickled module": (saved(nn.Linear(2, 2)), r"refused: .* code of torch\.nn\.modules\.linear\.Linear.*state_dict"),
    "forbidden global": (saved({"net": RunsCode()}), r"refused: .* asks for the code of (posix|nt)\.system"),
    "forbidden option": (saved({"args": Namespace(hook=RunsCode()), "net": state()}), r"code of (posix|nt)\.system"),
    "numpy array": (saved({"acc": np.ones(2), "net": state()}), r"code of numpy\._?core\.multiarray\._reconstruct"),
    "plain pickle": (pickle.dumps({"a": RunsCode()}), "a pickle, but not from torch.save"),
}


@pytest.mark.parametrize("kind", FILES)
def test_broken_files(tmp_path: Path, kind: str) -> None:
    content, message = FILES[kind]
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as refused:
        resnetzoo.load_checkpoint(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("record", "byte"), [(b"PK\x06\x07", 15), (b"PK\x06\x06", 47), (b"PK\x06\x06", 55)])
def test_an_archive_that_points_beyond_any_file(tmp_path: Path, record: bytes, byte: int) -> None:
    content = bytearray(GOOD)
    content[content.rfind(record) + byte] = 0xFF  # the highest byte of a place or length of eight
    (tmp_path / "weights.pt").write_bytes(content)
    for source in (tmp_path / "weights.pt", io.BytesIO(content)):
        with pytest.raises(CheckpointError, match="truncated or damaged"):
            resnetzoo.load_checkpoint(source)


def test_a_text_of_others_nested_too_deeply_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(save(state(), {"config": '{"a":' * 100_000}))
    assert resnetzoo.load_checkpoint(tmp_path / "a.safetensors").spec.depth == 14


@given(place=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_no_flipped_bit_alters_a_weight(place: int, bit: int) -> None:
    """`torch.load` compares no checksum, so that a bit lost on a disk would train on unnoticed."""
    try:
        found = read_torch_bytes(flipped(GOOD, place, bit), "weights.pt")
    except CheckpointError:
        return
    assert isinstance(found, dict)
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[name], weight) for name, weight in STATE.items())


def test_a_file_saved_without_checksums_is_read(tmp_path: Path) -> None:
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(state(), tmp_path / "weights.pt")
    finally:
        torch.serialization.set_crc32_options(before)
    assert resnetzoo.load_checkpoint(tmp_path / "weights.pt").spec.depth == 14


SAFETENSORS: dict[str, tuple[bytes, str]] = {
    "truncated": (save(state())[:-9], r"truncated, damaged or not of safetensors, [\d,]+ bytes found"),
    "text": (b"hello world, this is text", "truncated, damaged or not of safetensors, 25 bytes found"),
    "empty": (b"", "empty: 0 bytes found"),
    "web page": (b"<!DOCTYPE html><html>", "a web page, not a checkpoint"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", "pointer of Git LFS"),
    "spec is no JSON": (save(state(), {"spec": "{"}), "the spec in its metadata is not valid JSON"),
    "spec of a thousand lists": (save(state(), {"spec": "[" * 100_000}), "is not valid JSON: .* nested too deeply"),
    "spec of another version": (save(state(), {"spec": '{"family": "dense"}'}), "resnetzoo cannot read its spec"),
    "another network than its spec": (
        save(state(), {"spec": json.dumps(ModelSpec("residual", 20).to_dict())}),
        r"those of resnet20, but it lacks layer1\.2\.bn1\.bias and",
    ),
    "half a normalization": (
        save(
            state(), {"spec": json.dumps(ModelSpec("residual", 14).to_dict()), "normalization": '{"kind": "channel"}'}
        ),
        "the normalization in its metadata cannot be read",
    ),
    "classes that are no names": (
        save(state(), {"spec": json.dumps(ModelSpec("residual", 14).to_dict()), "classes": "[1, 2]"}),
        r"the classes in its metadata are not a list of names: \[1, 2\]",
    ),
    "too few classes": (
        save(state(), {"spec": json.dumps(ModelSpec("residual", 14).to_dict()), "classes": '["cat", "dog"]'}),
        "its metadata names 2 classes for a network of 10",
    ),
}


@pytest.mark.parametrize("kind", SAFETENSORS)
def test_broken_safetensors(tmp_path: Path, kind: str) -> None:
    content, message = SAFETENSORS[kind]
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as refused:
        resnetzoo.load_checkpoint(path)
    assert str(refused.value).startswith(f"{path}: ")


@pytest.mark.parametrize("last", [0x80, 0x50, 0x1F, 0x3C, 0x7B, 0x5B])
def test_the_length_of_a_safetensors_header_is_no_other_kind(tmp_path: Path, last: int) -> None:
    """Its lowest byte stands where others have their magic number."""
    path = tmp_path / "weights.SAFETENSORS"
    content = save(state())
    end = 8 + int.from_bytes(content[:8], "little")
    header = content[8:end] + b" " * ((last - end + 8) % 256)
    path.write_bytes(len(header).to_bytes(8, "little") + header + content[end:])
    assert resnetzoo.load_checkpoint(path).spec.depth == 14


def test_places_without_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere\.pt: no such checkpoint"):
        resnetzoo.load_checkpoint("nowhere.pt")
    for read in (resnetzoo.load_checkpoint, resnetzoo.load_model):
        with pytest.raises(UsageError, match=r"n\.\.\.n+: a path that is longer than this system takes$"):
            read("n" * 500)
        with pytest.raises(UsageError, match=r"a path holds no NUL character, as 'a\\x00\.pt' does"):
            read("a\0.pt")
    with pytest.raises(CheckpointError, match=r"a folder without checkpoint\.pt$"):
        resnetzoo.load_checkpoint(tmp_path)
    (tmp_path / "model_best.pth").touch()
    with pytest.raises(CheckpointError, match=r"a folder without checkpoint\.pt; give one of its files: model_best"):
        resnetzoo.load_checkpoint(tmp_path)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(GOOD)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    with pytest.raises(CheckpointError, match=r"weights\.pt: cannot be read: Permission denied"):
        resnetzoo.load_checkpoint(path)
