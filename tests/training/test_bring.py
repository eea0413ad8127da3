"""Rows from elsewhere: what is taken of them, and what is said of rows that cannot be used."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlops_core.errors import InputError
from mlops_core.training.bring import bring_rows, freeze_brought
from mlops_core.training.plan import Candidate, Plan, RowsRequest
from tests.small_home import draw_loans

START = datetime(2024, 3, 1, tzinfo=UTC)
END = START + timedelta(days=8)
REQUEST = RowsRequest(start=START + timedelta(days=1), end=END, labels_until=START + timedelta(days=9))
LINE = Candidate(name="line", features=("income", "debt"), estimator=LogisticRegression())


def draw():
    rows = draw_loans(1000, START, 10, seed=3).to_pandas()
    return rows.assign(label_at=rows["scored_at"] + pd.Timedelta(days=2))


def bring(rows, request=REQUEST):
    plan = Plan(candidates=[LINE], load_rows=lambda _: rows)
    return bring_rows(plan, request, ["income", "debt"], ["region"])


def test_rows_outside_the_request_are_left_out_and_later_labels_hidden():
    found = bring(draw())
    assert (found["scored_at"] >= REQUEST.start).all()
    assert (found["scored_at"] < END).all()
    is_known = found["scored_at"] + pd.Timedelta(days=2) <= REQUEST.labels_until
    np.testing.assert_array_equal(found["label"].notna(), is_known)
    assert list(found.columns) == ["prediction_id", "scored_at", "label", "income", "debt"]


def test_same_rows_give_the_same_snapshot_in_any_order(tmp_path):
    rows = bring(draw())
    ids = {freeze_brought(tmp_path, part).id for part in (rows, rows.sample(frac=1, random_state=1))}
    assert len(ids) == 1
    (path,) = tmp_path.glob("*.parquet")
    assert path.stat().st_mode & 0o777 == 0o600
    assert freeze_brought(tmp_path, rows).rows == rows["label"].notna().sum()


def test_categories_of_pandas_are_taken_as_texts(tmp_path):
    line = Candidate(name="line", features=("income", "region"), estimator=LogisticRegression())
    rows = draw().assign(region=lambda rows: rows["region"].astype("category"))
    plan = Plan(candidates=[line], load_rows=lambda _: rows)
    found = bring_rows(plan, REQUEST, ["income"], ["region"])
    assert set(found["region"]) == {"north", "south"}
    assert freeze_brought(tmp_path, found).columns["region"] in ("string", "large_string")


FAULTS = {
    "no frame": (lambda rows: rows.to_dict(), "has returned dict; accepted is a pandas data frame"),
    "no column": (lambda rows: rows.drop(columns="debt"), "lack the column 'debt'"),
    "naive times": (lambda rows: rows.assign(scored_at=rows["scored_at"].dt.tz_localize(None)), "accepted are aware"),
    "odd label": (lambda rows: rows.assign(label=2.0), "label of load_rows is .*2.0.*; accepted are 0 and 1"),
    "words": (lambda rows: rows.assign(debt="much"), "number of load_rows cannot be read"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_rows_are_refused_when_they_are_of_another_form(name):
    spoil, words = FAULTS[name]
    with pytest.raises(InputError, match=words):
        bring(spoil(draw()))


def test_rows_without_any_label_and_a_source_that_raises_are_refused(tmp_path):
    early = RowsRequest(start=None, end=END, labels_until=START)
    with pytest.raises(InputError, match="None of the 800 rows has a label by then"):
        freeze_brought(tmp_path, bring(draw(), early))
    broken = Plan(candidates=[LINE], load_rows=lambda _: 1 / 0)
    with pytest.raises(InputError, match="load_rows has raised ZeroDivisionError"):
        bring_rows(broken, REQUEST, ["income", "debt"], [])
