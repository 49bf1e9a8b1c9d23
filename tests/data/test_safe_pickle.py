"""Pickles of arrays are opened, and code in them is not run."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from cases import write_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import resnetzoo
from resnetzoo.data.cifar_files import CIFAR10
from resnetzoo.data.safe_pickle import unpickle_arrays
from resnetzoo.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")


class Attack:
    """A pickle that would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    folder = write_folder(tmp_path / "data", CIFAR10, "python")
    content = pickle.dumps({"data": Attack(tmp_path / "owned"), "labels": []}, protocol=protocol)
    (folder / "data_batch_2").write_bytes(content)
    with pytest.raises(DataError, match=r"data_batch_2 .*refused: it asks for (posix|nt)\.mkdir"):
        resnetzoo.cifar10(folder)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "name", ["builtins.eval", "numpy.load", "numpy.core.multiarray.scalar", "numpy.ndarray.tofile"]
)
def test_only_what_builds_arrays_may_be_named(name: str) -> None:
    module, attribute = name.rsplit(".", 1)
    with pytest.raises(DataError, match="refused: it asks for"):
        unpickle_arrays(b"c" + f"{module}\n{attribute}\n.".encode(), "file")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_and_plain_containers_come_through(protocol: int) -> None:
    value = {"a": np.arange(12, dtype=np.uint8).reshape(3, 4), "b": [1, "two", (3.0, b"four")], "c": None}
    loaded = unpickle_arrays(pickle.dumps(value, protocol=protocol), "file")
    assert np.array_equal(loaded.pop("a"), value.pop("a"))
    assert loaded == value


@pytest.mark.parametrize("fix_imports", [True, False])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_empty_arrays_come_through(protocol: int, fix_imports: bool) -> None:
    """Old protocols have no word for empty bytes and name their class instead."""
    value = {"data": np.zeros((0, 3072), np.uint8), "bytes": b""}
    loaded = unpickle_arrays(pickle.dumps(value, protocol=protocol, fix_imports=fix_imports), "file")
    assert (loaded["data"].shape, loaded["data"].dtype, loaded["bytes"]) == ((0, 3072), np.uint8, b"")


@pytest.mark.parametrize("module", ["__builtin__", "builtins"])
def test_bytes_of_a_length_are_not_made(module: str) -> None:
    """They could take all memory."""
    with pytest.raises(DataError, match="file: truncated or not a pickle: TypeError"):
        unpickle_arrays(b"c" + module.encode() + b"\nbytes\nK\x05\x85R.", "file")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        unpickle_arrays(content, "file")
    except DataError as error:
        assert str(error).startswith("file: ")


# numpy cannot free some arrays whose dtype is damaged, and says so where nobody can catch it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(max_examples=100, deadline=None)
@given(place=st.integers(0, 10**6), value=st.integers(0, 255))
def test_a_flipped_byte_is_read_or_refused(place: int, value: int) -> None:
    content = bytearray(pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": [3]}, protocol=2))
    content[place % len(content)] = value
    try:
        unpickle_arrays(bytes(content), "file")
    except DataError as error:
        assert str(error).startswith("file: ")
