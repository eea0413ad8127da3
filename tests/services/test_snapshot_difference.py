"""The difference of two snapshots: rows, labels, values, columns, and how far features have moved."""

import pyarrow as pa
import pytest

from mlops_core.errors import HomeError, NotFoundError
from mlops_core.frozen_rows import locate_rows
from mlops_core.services.registry import keep_snapshot
from mlops_core.services.snapshot_difference import compare_snapshots, tell_difference
from mlops_core.services.snapshot_records import find_snapshot
from mlops_core.store.models import add_snapshot
from tests.small_home import MODEL, PRESENT, START, draw_loans


def freeze(runtime, rows):
    snapshot = keep_snapshot(runtime, MODEL, rows, ("income", "debt"), PRESENT)
    with runtime.database.transaction() as transaction:
        add_snapshot(transaction, snapshot)
    return snapshot.id


def change(rows, name, values):
    column = rows[name].to_pylist()
    column[: len(values)] = values
    return rows.set_column(rows.column_names.index(name), name, pa.array(column, rows[name].type))


@pytest.fixture
def pair(runtime):
    """Snapshots of 400 and 300 rows that share 200, of which two have changed."""
    rows = draw_loans(500, START, 10, seed=50)
    second = rows.slice(200)
    second = change(second, "label", [1 - value for value in second["label"].slice(0, 2).to_pylist()])
    second = change(second, "region", ["east", None])
    second = change(second.append_column("held_out", pa.array([True] * 300)), "income", [None])
    return freeze(runtime, rows.slice(0, 400)), freeze(runtime, second)


def test_rows_are_matched_by_their_ids_and_changes_are_counted_by_column(runtime, spec, pair):
    found = compare_snapshots(runtime, spec, *pair)
    rows = found.rows
    assert (rows.only_first, rows.only_second, rows.both, rows.changed) == (200, 100, 200, 2)
    assert rows.by_column == {"label": 2, "region": 2, "income": 1}
    assert (found.only_first, found.only_second, found.types) == ((), ("held_out",), {})
    assert {one.feature for one in found.shifts} == {"income", "debt", "region"}
    words = tell_difference(found, "a", "b")
    assert words.startswith(
        "a and b share 200 rows. 200 are only in a, 100 only in b. Of the shared rows 2 have another"
    )


def test_feature_that_moved_comes_first(runtime, spec):
    rows = draw_loans(400, START, 10, seed=51)
    shifted = pa.array([value + 2 for value in rows["debt"].to_pylist()])
    later = rows.set_column(rows.column_names.index("debt"), "debt", shifted)
    found = compare_snapshots(runtime, spec, freeze(runtime, rows), freeze(runtime, later))
    assert (found.shifts[0].feature, found.shifts[0].standardised > 1) == ("debt", True)
    assert all(one.effect < 0.1 for one in found.shifts[1:])
    assert found.rows.by_column == {"debt": 400}


def test_versions_name_their_snapshots_and_alike_ones_do_not_differ(runtime, spec):
    assert find_snapshot(runtime, spec, "v1").snapshot.rows == 500
    found = compare_snapshots(runtime, spec, "v1", find_snapshot(runtime, spec, "v1").snapshot.id[:8])
    assert (found.rows.both, found.rows.changed, found.rows.by_column) == (500, 0, {})
    assert "The shared rows are alike" in tell_difference(found, "v1", "v1")


@pytest.mark.parametrize("name", ["v9", "abc", "", "x" * 64])
def test_unknown_snapshot_is_not_found(runtime, spec, name):
    with pytest.raises(NotFoundError, match="accepted are a version, an id, or its first 6 characters or more"):
        compare_snapshots(runtime, spec, "v1", name)


def test_damaged_file_is_not_compared(runtime, spec):
    locate_rows(runtime.home.snapshots, find_snapshot(runtime, spec, "v2").snapshot.id).write_bytes(b"no rows")
    with pytest.raises(HomeError, match="cannot be read"):
        compare_snapshots(runtime, spec, "v1", "v2")
