"""The committed results, and reports of other targets, read again."""

import json
from pathlib import Path

import pytest
from cases import ROOT

from resnetzoo.errors import ResultsError
from resnetzoo.reproduce import get_target, read_results
from resnetzoo.utils.checksummed_json import read_checksummed, write_checksummed

RESULTS = sorted((ROOT / "docs" / "results").glob("*/results.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.parent.name)
def test_committed_results(path: Path) -> None:
    stored = json.loads(path.read_text())
    found = read_results(path)
    assert found.command == stored["command"]
    assert [verdict.to_dict() for verdict in found.verdicts] == stored["verdicts"]
    later = {"peak_memory_bytes": None, "tf32": False}  # fields that older files do not have
    assert [record.to_dict() for record in found.records] == [{**later, **run} for run in stored["runs"]]
    trained = {record.name for record in found.records}
    claims = get_target(stored["target"]).claims
    assert [verdict.untrained for verdict in found.verdicts] == [
        tuple(name for name in claim.networks if name not in trained) for claim in claims
    ]


def test_results_of_other_claims_are_refused(tmp_path: Path) -> None:
    values = read_checksummed(RESULTS[0])
    path = tmp_path / "results.json"
    write_checksummed(path, {**values, "verdicts": [{"claim": "it flies", "answer": "holds", "figures": ""}]})
    with pytest.raises(ResultsError, match=r'results\.json judges "it flies", which the target figure6 does not claim'):
        read_results(path)
    write_checksummed(path, {"data": {}, "runs": []})
    with pytest.raises(ResultsError, match="not the results of a report"):
        read_results(path)
