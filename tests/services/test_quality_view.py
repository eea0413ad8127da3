"""What the page of data quality reads and writes: cells, series, tables, files, and the fields of its form."""

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from mlops_core.checks.findings import Check
from mlops_core.entities import Actor, ChunkSize, Status, Window
from mlops_core.errors import InputError
from mlops_core.services.activity import write_csv
from mlops_core.services.contract_fields import ALL_ROWS, apply_fields, list_fields
from mlops_core.services.contracts import read_contract, save_contract
from mlops_core.services.excerpts import Excerpt, read_quality_excerpt
from mlops_core.services.ingestion import ingest_predictions
from mlops_core.services.quality_view import (
    MOST_SHOWN,
    list_checked_versions,
    list_readings,
    list_subjects,
    make_matrix,
    read_quality_view,
)
from mlops_core.services.quality_words import (
    FINDING_COLUMNS,
    REFUSED_COLUMNS,
    list_cells,
    list_findings,
    list_refusal_rows,
    list_refused_cells,
    list_terms,
    list_troubles,
    tell_cut,
    write_figure,
)
from mlops_core.store.models import get_version
from tests.small_home import MODEL, PRESENT, START

DAY = timedelta(days=1)
EVERYTHING = Window(START, PRESENT)


@pytest.fixture
def read(runtime, spec):
    def read(version="v2", window=EVERYTHING, segment=("", "")):
        return read_quality_view(runtime, spec, version, window, PRESENT, segment)

    return read


@pytest.fixture
def state(runtime, spec):
    return read_contract(runtime, spec, get_version(runtime.database, MODEL, "v2"), PRESENT)


def test_versions_with_traffic_are_offered_the_champion_first(runtime, spec):
    assert list_checked_versions(runtime, spec) == ["v2", "v1"]


def test_view_says_that_rows_have_stopped(read):
    view = read()
    assert view.headline.sentence == "No new rows have come for too long."
    assert [row[:3] for row in list_troubles(view)] == [("▲ ALERT", "all rows", "Age of the newest row")]


def test_matrix_has_a_cell_for_each_check_and_chunk(read):
    view = read()
    matrix = make_matrix(view.spec, view.chunks)
    assert len(matrix.chunks) == len(view.chunks)
    assert {len(row.cells) for row in matrix.rows} == {len(view.chunks)}
    age = next(row for row in matrix.rows if row.code == Check.FRESHNESS)
    assert [cell is None for cell in age.cells] == [True] * (len(view.chunks) - 1) + [False]
    assert (age.cells[-1].status, age.cells[-1].n_found) == (Status.ALERT, 1)


def test_matrix_has_the_checks_that_are_asked_for_in_their_order(read):
    view = read()
    asked = (Check.FRESHNESS, Check.UNSEEN, Check.NULLS)
    # Neither feature has categories.
    assert [row.code for row in make_matrix(view.spec, view.chunks, asked).rows] == [Check.FRESHNESS, Check.NULLS]


def test_table_of_the_matrix_has_what_was_found_only(read):
    view = read()
    rows = list_cells(make_matrix(view.spec, view.chunks))
    assert [row[:4] for row in rows] == [("19 Mar", "Age of the newest row", "▲ ALERT", "1")]
    assert list_cells(make_matrix(view.spec, read("v1").chunks)) == []


@pytest.mark.parametrize(
    ("chunk", "n", "told"),
    [
        (ChunkSize.DAY, 300, "The newest 12 of 300 days in this window are shown."),
        (ChunkSize.HOUR, 13, "The newest 12 of 13 hours in this window are shown."),
        (ChunkSize.WEEK, 15, "The newest 12 of 15 weeks in this window are shown."),
        (ChunkSize.MONTH, 15, "The newest 12 of 15 months in this window are shown."),
        (ChunkSize.DAY, 12, ""),
    ],
)
def test_note_says_how_much_of_the_window_there_is_room_for(read, chunk, n, told):
    view = read()
    assert len(view.chunks) == view.n_chunks == 12
    cut = replace(view, spec=replace(view.spec, chunk=chunk), n_chunks=n)
    assert tell_cut(cut).startswith(told)
    assert bool(tell_cut(cut)) == bool(told)


@pytest.mark.parametrize(("days", "told"), [(119, ""), (120, ""), (121, "The newest 120 of 121 days")])
def test_view_has_the_newest_chunks_and_counts_the_others(runtime, spec, days, told):
    # v2 has been in production since the 8th; its days go on though no rows come.
    now = START + (7 + days) * DAY - timedelta(hours=1)
    view = read_quality_view(runtime, spec, "v2", Window(START, now), now)
    assert (len(view.chunks), view.n_chunks) == (min(days, MOST_SHOWN), days)
    assert view.chunks[-1].end > now
    assert tell_cut(view)[: len(told) or None] == told


def test_first_page_shows_only_the_checks_that_found_something(runtime, spec, read):
    found = read_quality_excerpt(runtime, spec, PRESENT)
    assert isinstance(found, Excerpt)
    assert (found.sentence, found.n_others) == (read().headline.sentence, 0)
    assert [row.code for row in found.map.rows] == [Check.FRESHNESS]
    assert found.note == "since 19 Mar 00:00"


def test_first_page_has_no_map_of_checks_when_nothing_was_found(runtime, spec):
    found = read_quality_excerpt(runtime, spec, START + 14 * DAY)
    assert isinstance(found, Excerpt)
    assert (found.note, found.sentence) == ("", "The newest traffic of v2 is as agreed.")
    assert found.map.rows == ()


def test_first_page_says_why_data_quality_is_unknown(runtime, spec):
    assert read_quality_excerpt(runtime, spec, START - DAY) == "v2 has answered no traffic in the last 30 days."
    unused = replace(spec, name="boat-loan")
    assert "No version is in production" in read_quality_excerpt(runtime, unused, PRESENT)


def test_history_of_a_check_has_a_reading_for_each_chunk(read):
    view = read("v1")
    assert list_subjects(view, Check.NULLS) == ["income", "debt"]
    readings = list_readings(view, Check.NULLS, "income")
    assert [one.name for one in readings] == [f"{day} Mar" for day in range(1, 8)]
    assert {one.status for one in readings} == {Status.OK}


def test_file_of_findings_has_every_check_of_every_chunk(read):
    view = read("v1")
    rows = list(csv.DictReader(io.StringIO(write_csv(FINDING_COLUMNS, list_findings(view)))))
    assert len(rows) == sum(len(chunk.findings) for chunk in view.chunks)
    nulls = next(row for row in rows if (row["Code"], row["Feature"]) == ("quality.null_fraction", "debt"))
    assert (nulls["Value"], nulls["Limit"], nulls["Status"]) == ("0.0", "0.1", "OK")


def test_refused_deliveries_are_listed_newest_first_with_their_rows_in_the_file(runtime, spec, read):
    for age, score in ((5, 3.0), (2, 4.0), (400, 9.0)):
        rows = {"prediction_id": ["=1+1"], "scored_at": [PRESENT], "version": ["v2"], "score": [score]}
        with pytest.raises(InputError):
            ingest_predictions(runtime, spec, pa.table(rows), now=PRESENT - age * DAY)
    view = read()
    assert [row[3][:13] for row in list_refusal_rows(view)] == ["The score 4.0", "The score 3.0"]
    text = write_csv(REFUSED_COLUMNS, list_refused_cells(view))
    cells = {(row["When (UTC)"][:10], row["Column"]): row["Value"] for row in csv.DictReader(io.StringIO(text))}
    assert cells[("2024-03-18", "score")] == "4.0"
    # A spreadsheet would compute it otherwise.
    assert cells[("2024-03-18", "prediction_id")] == "'=1+1"


@pytest.mark.parametrize(
    ("check", "value", "written"),
    [
        (Check.NULLS, None, "–"),
        (Check.NULLS, 0.994, "99 %"),
        (Check.VOLUME, 2.5, "250 %"),
        (Check.FRESHNESS, 30.25, "30.2 h"),
        (Check.RANGE, 12345.678, "1.235e+04"),
        (Check.SCHEMA, 2.0, "2"),
    ],
)
def test_figure_is_written_in_the_units_of_its_check(check, value, written):
    assert write_figure(check, value) == written


def test_contract_is_listed_with_who_set_what(runtime, spec, read, state):
    values = {field.term: field.value for field in list_fields(state, "debt")} | {"maximum": 50.0}
    asked = apply_fields(state.contract, "debt", values)
    version = get_version(runtime.database, MODEL, "v2")
    save_contract(runtime, spec, version, asked, expected=None, actor=Actor("ana", "page"), reason="more", now=PRESENT)
    rows = {row[0]: row for row in list_terms(read())}
    assert rows["income"][5] == "proposed"
    assert rows["debt"][5] == "ana, 20 Mar"
    assert rows["debt"][3].endswith(" to 50")


def test_fields_that_are_left_as_they_are_change_nothing(state):
    for subject in ("income", "debt", ALL_ROWS):
        values = {field.term: field.value for field in list_fields(state, subject)}
        assert apply_fields(state.contract, subject, values) == state.contract


def test_shares_are_typed_in_per_cent_and_an_emptied_limit_is_no_limit(state):
    values = {field.term: field.value for field in list_fields(state, "income")}
    assert values["most_null"] == 10.0
    terms = apply_fields(state.contract, "income", values | {"most_null": 25.0, "minimum": None}).get_terms("income")
    assert (terms.most_null, terms.minimum) == (0.25, None)
    emptied = apply_fields(state.contract, "income", values | {"most_null": None})
    assert emptied == state.contract


def test_terms_of_all_rows_are_typed_in_per_cent_and_hours(state):
    values = {field.term: field.value for field in list_fields(state, ALL_ROWS)}
    assert (values["least_volume"], values["most_volume"]) == (50.0, 200.0)
    asked = apply_fields(state.contract, ALL_ROWS, values | {"most_volume": 350.0, "most_age_hours": None})
    assert asked.traffic == replace(state.contract.traffic, most_volume=3.5, most_age_hours=None)
