"""Files of results that show whether a hand has changed them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resnetzoo.errors import ResultsError
from resnetzoo.utils.checksummed_json import (
    FINGERPRINT,
    read_checksummed,
    verify_checksum,
    with_checksum,
    write_checksummed,
)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
VALUES = st.dictionaries(st.text().filter(lambda key: key != FINGERPRINT), PLAIN, min_size=1, max_size=4)


@given(values=VALUES)
def test_what_was_written_comes_back(values: dict[str, Any]) -> None:
    assert verify_checksum(json.loads(json.dumps(with_checksum(values))), Path("a")) == values


@given(values=VALUES, other=PLAIN, data=st.data())
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_any_other_value_is_noticed(values: dict[str, Any], other: object, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(values)))
    changed = {**with_checksum(values), key: other}
    if json.dumps(other, sort_keys=True) != json.dumps(values[key], sort_keys=True):
        with pytest.raises(ResultsError, match="its fingerprint no longer fits"):
            verify_checksum(changed, Path("a"))


def test_order_of_keys_and_numbers_as_keys_do_not_matter(tmp_path: Path) -> None:
    write_checksummed(tmp_path / "a.json", {"b": {10: 1.5, 9: 2}, "a": (1, 2)})
    kept = json.loads((tmp_path / "a.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps(dict(reversed(kept.items()))))
    assert read_checksummed(tmp_path / "a.json") == {"a": [1, 2], "b": {"10": 1.5, "9": 2}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such results file"),
        ("{", r"not a results file, since it is not JSON .*; if a run or a report wrote it, move it away"),
        (f'{{"a": {5_000 * "9"}}}', r"not a results file, since it is not JSON \(Exceeds the limit"),
        ("[]", "contains no fingerprint"),
        ('{"a": 1}', "contains no fingerprint.*; if a run or a report wrote it, move it away"),
        ('{"a": 1, "fingerprint": "0"}', "changed since it was written"),
    ],
)
def test_what_is_no_file_of_results_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "results.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ResultsError, match=message):
        read_checksummed(path)


def test_of_a_folder_the_files_in_it_are_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"a folder, not a results file; give a file, such as its run\.json"):
        read_checksummed(tmp_path)
    write_checksummed(tmp_path / "run.json", {})
    with pytest.raises(ResultsError, match=f"a folder, not a results file; give {tmp_path / 'run.json'}$"):
        read_checksummed(tmp_path)
    (tmp_path / "b" / "run.json").mkdir(parents=True)
    with pytest.raises(ResultsError, match=r"json: a folder, not a results file; move it away to have the file made$"):
        read_checksummed(tmp_path / "b" / "run.json")
