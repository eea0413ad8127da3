"""What the Drift page shows, on the small home with traffic that moves."""

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from mlops_core.checks.drift import STATUSES
from mlops_core.entities import ModelSpec, Status, Window
from mlops_core.errors import ConflictError
from mlops_core.services.drift_detail import (
    Statistic,
    list_statistics,
    read_distribution,
    read_missing,
    read_shift,
)
from mlops_core.services.drift_outcomes import LABELS, SCORE, read_outcomes
from mlops_core.services.drift_report import report_drift
from mlops_core.services.drift_view import (
    DriftView,
    find_since,
    list_days,
    make_heat_map,
    make_window,
    rank_features,
    read_drift_view,
)
from mlops_core.services.drift_words import (
    CELL_COLUMNS,
    COLUMNS,
    list_cells,
    list_columns,
    list_notices,
    list_rows,
    tell_drift,
    tell_feature,
)
from mlops_core.services.excerpts import Excerpt, list_moved, read_drift_excerpt
from mlops_core.services.ingestion import ingest_predictions
from mlops_core.services.monitoring import refresh
from mlops_core.services.multivariate import measure_chunk, tell_multivariate
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import get_model
from mlops_core.store.samples import sample_rows
from tests.small_home import MODEL, START, copy_small_home, draw_loans

DAY = timedelta(days=1)
NOW = START + 24 * DAY
WINDOW = Window(START, NOW)
MOVED = START + 20 * DAY


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A small home with ten more days of v2, in the last four of which debt has grown."""
    opened = Runtime.open(copy_small_home(tmp_path_factory.mktemp("drift") / "home"))
    spec = get_model(opened.database, MODEL)
    for day in range(14, 24):
        start = START + day * DAY
        loans = draw_loans(600, start, 1, seed=day).drop_columns(["label"])
        if start >= MOVED:
            loans = loans.set_column(loans.column_names.index("debt"), "debt", pa.array(loans["debt"].to_numpy() + 1.5))
        score = 1 / (1 + np.exp(-loans["debt"].to_numpy()))
        loans = loans.append_column("score", pa.array(score)).append_column("version", pa.array(["v2"] * 600))
        ingest_predictions(opened, spec, loans, now=start + DAY)
    refresh(opened, spec, NOW)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def spec(runtime: Runtime) -> ModelSpec:
    return get_model(runtime.database, MODEL)


@pytest.fixture(scope="module")
def view(runtime: Runtime, spec: ModelSpec) -> DriftView:
    """Give the last two weeks, compared with the first two, which have enough days to know what is natural."""
    return read_drift_view(runtime, spec, Window(START + 10 * DAY, NOW), NOW, reference=Window(START, START + 16 * DAY))


def test_view_says_when_it_leaves_days_out(view: DriftView, runtime: Runtime, spec: ModelSpec, monkeypatch):
    assert view.n_in_window == len(view.chunks) == 14
    monkeypatch.setattr("mlops_core.services.drift_view.MOST_CHUNKS", 5)
    short = read_drift_view(runtime, spec, Window(START + 10 * DAY, NOW), NOW)
    assert len(short.chunks) == 5
    assert list_notices(short)[0].startswith("The newest 5 of 14 days in this window are shown.")


def test_view_names_what_moved_and_since_when(view: DriftView):
    headline = tell_drift(view, view.find_position(None))
    assert headline.status is Status.ALERT
    assert headline.sentence == "1 of 2 features drifted: debt since 21 Mar."
    assert headline.kicker == "DRIFT · 24 Mar"


def test_view_says_that_nothing_moved_when_nothing_did(view: DriftView):
    headline = tell_drift(view, view.find_position(START + 15 * DAY))
    assert headline.status is Status.OK
    assert headline.sentence == "None of the 2 features that can be judged drifted."


def test_view_ranks_the_moved_feature_first(view: DriftView):
    newest = len(view.table.chunks) - 1
    assert view.table.features[rank_features(view, newest)[0]] == "debt"
    assert list_rows(view, newest)[0][:2] == ("debt", "▲ drifted")
    assert find_since(view, view.table.features.index("debt"), newest) == MOVED


@pytest.mark.parametrize(("debt", "income", "first"), [(0.01, -0.2, "income"), (-0.2, 0.01, "debt")])
def test_drifted_features_are_ranked_by_expected_loss_when_it_is_known(
    view: DriftView, debt: float, income: float, first: str
):
    newest, features = len(view.table.chunks) - 1, view.table.features
    changes = np.array([{"debt": debt, "income": income}[name] for name in features])
    codes = np.full_like(view.table.judgement.codes, STATUSES.index(Status.ALERT))
    table = replace(view.table, judgement=replace(view.table.judgement, codes=codes))
    known = replace(view, expect=lambda _: changes, table=table)
    assert list_columns(known, newest) == ("feature", "status", "expected ROC AUC", *COLUMNS[2:])
    rows = list_rows(known, newest)
    assert rows[0][0] == first
    assert {row[0]: row[2] for row in rows} == {
        "debt": "+0.010" if debt > 0 else "−0.200",
        "income": "+0.010" if income > 0 else "−0.200",
    }
    assert f"2 of 2 features drifted: {first}" in tell_drift(known, newest).sentence


def test_drifted_feature_of_unknown_impact_stands_above_a_known_loss(view: DriftView):
    newest = len(view.table.chunks) - 1
    changes = np.array([{"debt": np.nan, "income": -0.2}[name] for name in view.table.features])
    assert [row[0] for row in list_rows(replace(view, expect=lambda _: changes), newest)] == ["debt", "income"]


def test_no_column_of_impact_is_shown_when_none_is_known(view: DriftView):
    newest, nothing = len(view.table.chunks) - 1, np.full(len(view.table.features), np.nan)
    unknown = replace(view, expect=lambda _: nothing)
    assert list_columns(unknown, newest) == COLUMNS
    assert {len(row) for row in list_rows(unknown, newest)} == {len(COLUMNS)}


def test_expected_change_of_one_chunk_is_that_of_the_report(runtime, spec, view: DriftView):
    newest = len(view.table.chunks) - 1
    day = Window(view.table.chunks[newest], view.table.chunks[newest] + DAY)
    document = report_drift(runtime, spec, Window(START, START + 16 * DAY), day, NOW)
    reported = {one["feature"]: one["impact"] for one in document["features"]}
    changes = dict(zip(view.table.features, view.expect(newest).tolist(), strict=True))
    assert {name: reported[name] for name in changes} == {
        name: None if np.isnan(change) else pytest.approx(change) for name, change in changes.items()
    }


def test_heat_map_shows_the_window_and_not_the_chunks_before_it(view: DriftView):
    heat = make_heat_map(view)
    assert heat.chunks == tuple(START + i * DAY for i in range(10, 24))
    assert [row.name for row in heat.rows] == ["debt", "income", SCORE, LABELS]
    assert heat.rows[0].statuses[-1] is Status.ALERT
    assert heat.rows[0].statuses[0] is Status.OK


def test_cells_are_every_feature_in_every_chunk(view: DriftView):
    cells = list_cells(view)
    assert len(cells) == 2 * 14
    assert all(len(cell) == len(CELL_COLUMNS) for cell in cells)


def test_notice_names_a_short_reference(runtime: Runtime, spec: ModelSpec):
    notices = list_notices(read_drift_view(runtime, spec, WINDOW, NOW))
    assert any("too few to know how far features move" in notice for notice in notices)
    assert any("a single season" in notice for notice in notices)


def test_notice_names_only_the_features_that_the_reference_is_too_short_for(view: DriftView):
    natural = tuple(math.nan if name == "debt" else 0.1 for name in view.table.features)
    notices = list_notices(replace(view, table=replace(view.table, natural=natural)))
    assert any(notice.startswith("The reference has too few days of debt to know") for notice in notices)


def test_since_says_or_before_when_it_began_with_the_first_chunk_known(runtime: Runtime, spec: ModelSpec):
    view = read_drift_view(runtime, spec, Window(NOW - DAY, NOW), NOW, reference=Window(START, START + 16 * DAY))
    newest = len(view.table.chunks) - 1
    assert view.chunks == (NOW - DAY,)
    assert list_rows(view, newest)[0][list_columns(view, newest).index("since")] == "22 Mar or before"
    assert "debt since 22 Mar or before" in tell_drift(view, newest).sentence


def test_view_leaves_out_the_chunk_that_is_not_over(runtime: Runtime, spec: ModelSpec):
    view = read_drift_view(runtime, spec, Window(START, NOW - DAY / 2), NOW - DAY / 2)
    assert view.chunks[-1] == NOW - 2 * DAY


def test_view_refuses_a_window_without_traffic(runtime: Runtime, spec: ModelSpec):
    empty = Window(START + 200 * DAY, START + 210 * DAY)
    with pytest.raises(ConflictError, match="There is no day of traffic"):
        read_drift_view(runtime, spec, empty, NOW + 300 * DAY)


def test_first_page_shows_only_the_features_that_drifted(runtime: Runtime, spec: ModelSpec):
    found = read_drift_excerpt(runtime, spec, NOW)
    assert isinstance(found, Excerpt)
    assert [row.name for row in found.map.rows] == ["debt"]
    assert found.sentence == "1 of 2 features drifted: debt since 21 Mar."
    moved = list_moved(found.map)
    assert [row[1] for row in moved] == ["debt"] * len(moved)
    assert moved[0][0] == found.map.names[-1]
    assert moved[0][2:] == ("▲ drifted", found.map.rows[0].reasons[-1])


def test_first_page_says_why_drift_is_unknown_when_nothing_came_of_late(runtime: Runtime, spec: ModelSpec):
    assert "There is no day of traffic" in str(read_drift_excerpt(runtime, spec, NOW + 300 * DAY))


def test_distribution_moves_with_the_feature(view: DriftView):
    shown = read_distribution(view, "debt", len(view.table.chunks) - 1)
    middles = [(low + high) / 2 for low, high in zip(shown.edges, shown.edges[1:], strict=False)]

    def centre(values: tuple[float, ...]) -> float:
        return float(np.average(middles, weights=values))

    assert centre(shown.reference) == pytest.approx(1.0, abs=0.1)
    assert centre(shown.current) == pytest.approx(2.5, abs=0.15)


@pytest.mark.parametrize("statistic", list(Statistic))
def test_every_statistic_rises_when_a_feature_moves(view: DriftView, statistic: Statistic):
    series = read_shift(view, "debt", statistic)
    assert min(series.values[-4:]) > 2 * max(series.values[:10])
    assert bool(series.limits) == (statistic is Statistic.PSI)


def test_series_stands_above_its_limit_exactly_where_the_verdict_is_not_ok(view: DriftView):
    series = read_shift(view, "debt", Statistic.PSI)
    above = [value >= limit for value, limit in zip(series.values, series.limits, strict=True)]
    assert above == [status in (Status.ALERT, Status.WARNING) for status in series.statuses]
    assert all(band < limit for band, limit in zip(series.band, series.limits, strict=True))


def test_numbers_have_no_unseen_categories(view: DriftView):
    missing = read_missing(view, "debt")
    assert missing.unseen == ()
    assert set(missing.nulls) == {0.0}
    assert Statistic.KS in list_statistics(view, "debt")


def test_reason_of_a_feature_says_since_when(view: DriftView):
    assert "It has been so since 21 Mar." in tell_feature(view, "debt", len(view.table.chunks) - 1)


def test_scores_are_compared_with_the_first_fourteen_chunks(runtime: Runtime, spec: ModelSpec, view: DriftView):
    score, labels = view.outcomes
    assert (score.name, labels.name) == (SCORE, LABELS)
    assert score.judgement is not None
    assert score.judgement.n_reference.tolist() == [14 * 600]
    assert "0 labels of v2 so far; 200 are needed." in labels.reasons[-1]


def test_scores_are_not_judged_when_the_version_is_too_young(runtime: Runtime, spec: ModelSpec):
    outcome = read_outcomes(runtime, spec, "v1", ("", ""), [START])[0]
    assert outcome.judgement is None
    assert outcome.reasons[0].startswith("v1 has 7 days of traffic; its first 14 are what")


def test_days_become_a_window_of_the_models_zone_and_back(spec: ModelSpec):
    window = make_window(spec, date(2024, 3, 1), date(2024, 3, 2))
    assert window == Window(START, START + 2 * DAY)
    assert list_days(spec, window) == (date(2024, 3, 1), date(2024, 3, 2))


def test_sample_is_the_same_for_the_same_seed_and_another_for_another(runtime: Runtime, spec: ModelSpec):
    window = Window(START, START + 3 * DAY)
    drawn = [sample_rows(runtime.database, spec, window, ["debt"], 100, seed) for seed in (1, 1, 2)]
    assert drawn[0].num_rows == 100
    assert drawn[0].equals(drawn[1])
    assert not drawn[0].equals(drawn[2])


def test_sample_is_of_one_segment_when_it_is_named(runtime: Runtime, spec: ModelSpec):
    window = Window(START, START + DAY)
    rows = sample_rows(runtime.database, spec, window, ["region"], 10_000, 0, ("region", "north"))
    assert set(rows["region"].to_pylist()) == {"north"}


def test_all_features_together_show_the_moved_day(runtime: Runtime, view: DriftView):
    steps: list[float] = []
    moved = measure_chunk(runtime, view, len(view.table.chunks) - 1, ("", ""), lambda done, _: steps.append(done))
    assert steps == sorted(steps)
    assert moved.auc_limits is not None
    assert moved.separation.auc.value is not None
    assert moved.separation.auc.value > moved.auc_limits[1]
    assert "24 Mar" in tell_multivariate(view, moved)[0]
