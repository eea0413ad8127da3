"""The commands that report."""

import json

import pytest

from mlops_core.config import Home
from mlops_core.shared import open_runtime


def test_versions_are_a_table_or_the_document_of_the_api(run):
    ended = run("versions", "car-loan")
    assert ended.exit_code == 0
    lines = ended.output.splitlines()
    assert lines[0].split()[:2] == ["Version", "State"]
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["v1", "retired"],
        ["v2", "champion"],
        ["v3", "never"],
    ]
    document = run("versions", "car-loan", "--json").document
    assert document["champion"] == "v2"
    assert len(document["versions"]) == 3


def test_performance_is_a_row_per_chunk(run):
    ended = run("performance", "car-loan", "--chunk", "day", "--window", "2024-03-12..2024-03-14")
    assert ended.exit_code == 0
    assert ended.output.startswith("car-loan v2, ROC AUC by day in UTC\n")
    assert [line[:10] for line in ended.output.splitlines()[3:]] == ["2024-03-12", "2024-03-13"]


@pytest.mark.parametrize(("window", "n"), [("2024-03-05..", 3), ("..2024-03-05", 4), ("2024-03-02..2024-03-04", 2)])
def test_performance_window_may_be_open(run, window: str, n: int):
    document = run("performance", "car-loan", "--version", "v1", "--window", window, "--json").document
    assert len(document["chunks"]) == n


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["versions", "nope"], "There is no model 'nope'"),
        (["versions", "Car Loan"], "'Car Loan' is not accepted"),
        (["performance", "car-loan", "--version", "v9"], "no version 'v9'"),
        (["performance", "car-loan", "--chunk", "hour"], "accepted is 'day'"),
        (["performance", "car-loan", "--window", "March"], "A..B"),
        (["performance", "car-loan", "--window", ".."], "A..B"),
        (["performance", "car-loan", "--window", "a..b"], "'a'"),
        (["performance", "car-loan", "--window", "2024-03-02..2024-03-01"], "before its end"),
        (["audit", "nope"], "There is no model 'nope'"),
        (["audit", "--limit", "0"], "'limit' is '0'"),
    ],
)
def test_reports_end_with_2_when_the_input_is_bad(run, arguments: list[str], said: str):
    ended = run(*arguments, "--json")
    assert ended.exit_code == 2
    assert said in ended.errors
    assert said in ended.document["error"]["message"]


def test_performance_ends_with_1_when_an_alert_is_to_fail(run, home: Home):
    assert run("performance", "car-loan", "--fail-on", "alert").exit_code == 0
    demand_the_impossible(home)
    assert run("performance", "car-loan").exit_code == 0
    ended = run("performance", "car-loan", "--fail-on", "alert", "--json")
    assert ended.exit_code == 1
    assert {chunk["status"] for chunk in ended.document["chunks"]} == {"ALERT"}


def demand_the_impossible(home: Home) -> None:
    """Set a standard that no day can keep."""
    runtime = open_runtime(home)
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update models set spec = replace(spec, 'min = 0.6', 'min = 0.99')")
    runtime.close()


def test_audit_is_a_table_newest_first(run):
    ended = run("audit", "car-loan", "--limit", "2")
    assert ended.exit_code == 0
    assert [line.split()[0] for line in ended.output.splitlines()[1:]] == ["8", "7"]


def test_audit_verification_ends_with_1_when_a_line_was_changed(run, home: Home):
    assert run("audit", "verify").output == "The audit log is intact: 8 lines.\n"
    runtime = open_runtime(home)
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update audit set actor = 'another' where id = 3")
    runtime.close()
    ended = run("audit", "verify", "--json")
    assert ended.exit_code == 1
    assert ended.document == {"intact": False, "broken_line": 3, "lines": 8}
    assert "line 3" in run("audit", "verify").output


def test_json_is_one_document_and_nothing_else(run):
    for arguments in (
        ["versions", "car-loan"],
        ["performance", "car-loan"],
        ["audit"],
        ["doctor", "--port", "0"],
    ):
        ended = run(*arguments, "--json")
        json.loads(ended.output)
        assert ended.errors == ""


def test_drift_lists_the_features_with_the_worst_first(run):
    ended = run("drift", "car-loan", "--reference", "2024-03-01..2024-03-08", "--current", "2024-03-08..2024-03-15")
    assert ended.exit_code == 0
    lines = ended.output.splitlines()
    assert lines[0] == "Reference: 2024-03-01 00:00 to 2024-03-08 00:00 UTC, 4,200 rows"
    assert lines[3].split("  ")[0] == "Feature"
    assert lines[3].split()[1:] == ["Impact", "PSI", "Effect", "Limit", "Null", "Status", "Reason"]
    assert {line.split()[0] for line in lines[4:]} == {"income", "debt", "region"}


def test_drift_ends_with_1_when_there_is_nothing_to_compare(run):
    ended = run("drift", "car-loan", "--current", "2020-01-01..2020-01-02", "--json")
    assert ended.exit_code == 1
    assert "There is no traffic" in ended.document["error"]["message"]


WEEKS = ("--reference", "2024-03-01..2024-03-08", "--current", "2024-03-08..2024-03-15")


def test_drift_reads_the_rows_when_it_is_to_be_exact(run):
    ended = run("drift", "car-loan", *WEEKS, "--exact")
    assert ended.exit_code == 0
    lines = ended.output.splitlines()
    assert lines[1:3] == [
        "Current: 2024-03-08 00:00 to 2024-03-15 00:00 UTC, 4,200 rows",
        "Binning: exact, made from the rows of the reference",
    ]
    assert {line.split()[0] for line in lines[5:]} == {"income", "debt", "region"}
    counted, exact = (run("drift", "car-loan", *WEEKS, *way, "--json").document for way in ((), ("--exact",)))
    assert counted["binning"] != exact["binning"] == "exact, made from the rows of the reference"
    ks = [{one["feature"]: one["ks"] for one in document["features"] if one["ks"]} for document in (counted, exact)]
    assert ks[0] == pytest.approx(ks[1], abs=0.01)
    assert ks[0] != ks[1]


def test_exact_drift_ends_with_an_error_when_rows_are_gone(run, home: Home):
    training = ("drift", "car-loan", "--current", "2024-03-14..2024-03-15", "--reference", "v1", "--exact")
    assert run(*training).exit_code == 0
    for path in home.snapshots.iterdir():
        path.unlink()
    ended = run(*training)
    assert (ended.exit_code, ended.output) == (2, "")
    assert "Put the file back from a backup" in ended.errors
    assert run("retention", "car-loan", "--row-days", "10", "--reason", "the law").exit_code == 0
    ended = run("drift", "car-loan", *WEEKS, "--exact", "--json")
    assert ended.exit_code == 1
    assert "leave out exact: that answer comes from counts" in ended.document["error"]["message"]
    assert run("drift", "car-loan", *WEEKS).exit_code == 0


def test_quality_lists_what_was_found_or_every_check(run):
    ended = run("quality", "car-loan", "--window", "2024-03-14..2024-03-15", "--segment", "region=north")
    assert ended.exit_code == 0
    assert ended.output.splitlines()[0].startswith("car-loan v2, 1 day in UTC, ")
    everything = run("quality", "car-loan", "--window", "2024-03-14..2024-03-15", "--all")
    lines = everything.output.splitlines()
    assert lines[2].split() == ["Day", "n", "Check", "Feature", "Status", "Reason"]
    document = run("quality", "car-loan", "--window", "2024-03-14..2024-03-15", "--json").document
    assert len(lines) - 3 == sum(len(chunk["checks"]) for chunk in document["chunks"])


def test_quality_ends_with_1_when_an_alert_is_to_fail(run):
    # The small home has had no rows for days.
    assert run("quality", "car-loan").exit_code == 0
    ended = run("quality", "car-loan", "--fail-on", "alert")
    assert ended.exit_code == 1
    assert "Age of the newest row" in ended.output
    assert run("quality", "car-loan", "--version", "v1", "--fail-on", "alert").exit_code == 0


def test_quality_says_that_a_version_had_no_traffic(run):
    ended = run("quality", "car-loan", "--version", "v3")
    assert (ended.exit_code, ended.output.splitlines()[-1]) == (0, "v3 has no traffic there.")
