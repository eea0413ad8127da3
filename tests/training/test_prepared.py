"""Rows made ready: their order, what is held out, what is dropped, and when there are too few."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from mlops_core.errors import InputError
from mlops_core.frozen_rows import HELD_OUT, choose_held_out, mark_held_out
from mlops_core.training.prepared import prepare_rows, read_prepared, read_rows, split_by_time, write_prepared
from tests.small_home import draw_loans

START = datetime(2024, 3, 1, tzinfo=UTC)
FEATURES = ("income", "region")


def draw(n=1000):
    return draw_loans(n, START, 10, seed=7)


def test_rows_come_in_the_order_of_time_with_the_newest_of_each_id():
    rows = draw()
    again = rows.slice(0, 5)
    later = pa.array([START + timedelta(days=20)] * 5, pa.timestamp("us", tz="UTC"))
    again = again.set_column(again.column_names.index("scored_at"), "scored_at", later)
    shuffled = pa.concat_tables([rows, again]).take(np.random.default_rng(0).permutation(1005))
    found = prepare_rows(shuffled, FEATURES)
    assert (len(found.labels), found.n_repeated) == (1000, 5)
    expected = np.concatenate([rows["income"].to_numpy()[5:], rows["income"].to_numpy()[:5]])
    np.testing.assert_array_equal(found.rows["income"][:995], expected[:995])
    assert set(found.rows["income"][995:]) == set(expected[995:])


def test_one_row_of_five_is_held_out_by_its_id_alone():
    ids = [f"loan-{i}" for i in range(20_000)]
    held = choose_held_out(ids)
    assert held.mean() == pytest.approx(0.2, abs=0.01)
    np.testing.assert_array_equal(choose_held_out(ids[::-1]), held[::-1])


def test_rows_that_a_snapshot_holds_out_are_the_ones_held_out():
    rows = draw()
    chosen = np.arange(1000) < 300
    assert prepare_rows(rows.append_column(HELD_OUT, pa.array(chosen)), FEATURES).held_out.sum() == 300
    assert prepare_rows(rows, FEATURES).held_out.sum() == mark_held_out(rows)[HELD_OUT].to_numpy().sum()


def test_rows_are_the_same_when_they_were_written_and_read(tmp_path):
    prepared = prepare_rows(draw(), FEATURES)
    write_prepared(tmp_path / "prepared.parquet", prepared)
    found = read_prepared(tmp_path / "prepared.parquet")
    assert found.rows.equals(prepared.rows)
    np.testing.assert_array_equal(found.labels, prepared.labels)
    np.testing.assert_array_equal(found.held_out, prepared.held_out)


def test_too_few_rows_one_class_and_a_missing_feature_are_refused():
    with pytest.raises(InputError, match="150 labelled training rows; 200 are needed"):
        prepare_rows(draw(150), FEATURES)
    ones = draw().set_column(5, "label", pa.array(np.ones(1000)))
    with pytest.raises(InputError, match="have 0 with label 0; 10 are needed"):
        prepare_rows(ones, FEATURES)
    with pytest.raises(InputError, match="lack the feature 'colour'"):
        prepare_rows(draw(), ("income", "colour"))


def test_damaged_rows_are_refused(tmp_path):
    (tmp_path / "abc.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputError, match=r"abc\.parquet cannot be read"):
        read_rows(tmp_path / "abc.parquet")


@pytest.mark.parametrize(("n", "folds"), [(10, 2), (1000, 5), (7, 3)])
def test_folds_follow_each_other_and_never_look_ahead(n, folds):
    splits = split_by_time(n, folds)
    assert len(splits) == folds
    assert all(past.start == 0 and past.stop == future.start < future.stop for past, future in splits)
    assert [future.start for _, future in splits[1:]] == [future.stop for _, future in splits[:-1]]
    assert splits[-1][1].stop == n
