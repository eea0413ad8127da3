"""The audit log and tables as they leave in a file."""

import pytest

from mlops_core.services.activity import list_facts, write_csv, write_fact


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-1+1", "@sum", "\tx", "-", "+1 %"])
def test_cell_gets_an_apostrophe_when_a_spreadsheet_would_compute_it(cell):
    assert write_csv(["a"], [[cell]]).splitlines()[1].strip('"').startswith("'")


@pytest.mark.parametrize("cell", ["-0.1234", "+3", "0.5", "12", "", "v4", "2013-10-07"])
def test_cell_stays_as_it_is_when_it_is_a_number_or_a_word(cell):
    assert write_csv(["a", "b"], [[cell, "x"]]).splitlines()[1] == f"{cell},x"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("as it is", "as it is"),
        (["It loads.", "All columns are there."], "It loads. All columns are there."),
        ({"value": 0.40312, "low": 0.37, "high": 0.43}, "0.40 [0.37, 0.43]"),
        ({"value": None, "low": None, "high": None}, "–"),
        ({"v3": {"rows": 1000}}, "v3 rows 1,000"),
        ([], "–"),
        ({}, "–"),
        (None, "–"),
        (True, "True"),
        (3194, "3,194"),
    ],
)
def test_evidence_is_written_for_a_person(value, written):
    assert write_fact(value) == written


def test_what_a_baking_window_saw_is_listed_part_by_part():
    realised = {"value": 0.40312, "low": 0.37, "high": 0.43}
    evidence = {"previous": "v4", "baking": {"labels": 3194, "realised": realised, "unscored": ""}}
    expected = [("Previous", "v4"), ("Labels", "3,194"), ("Realised", "0.40 [0.37, 0.43]"), ("Unscored", "–")]
    assert list_facts(evidence) == expected
