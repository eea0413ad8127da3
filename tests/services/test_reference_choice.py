"""The standing reference: chosen with a reason, refused when it cannot be one, and in force at once."""

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from mlops_core.entities import Actor, Status, Window
from mlops_core.errors import ConflictError, HomeError, InputError, NotFoundError, UnfinishedError
from mlops_core.services.contracts import read_contract
from mlops_core.services.drift_report import report_drift
from mlops_core.services.impacts import find_joint
from mlops_core.services.ingestion import ingest_predictions
from mlops_core.services.monitoring import refresh
from mlops_core.services.reference_choice import Origin, read_standing_reference, set_reference
from mlops_core.services.reference_scores import read_reference_scores
from mlops_core.services.references import ensure_reference, ensure_snapshot_reference
from mlops_core.services.registry import TrainedVersion, register_version
from mlops_core.store.audit import find_broken_line, list_audit_events
from mlops_core.store.binnings import get_binning
from mlops_core.store.models import get_version
from mlops_core.store.reference_choices import get_reference_choice
from mlops_core.store.reference_scores import ReferenceOrigin
from mlops_core.store.references import read_reference_profiles
from mlops_core.store.verdicts import list_verdicts
from tests.services.conftest import read_tables
from tests.small_home import MODEL, PRESENT, ROWS_PER_DAY, START, draw_loans

ANA = Actor("ana", "api")
DAY = timedelta(days=1)
WEEK_ONE, WEEK_TWO = Window(START, START + 7 * DAY), Window(START + 7 * DAY, START + 14 * DAY)


@pytest.fixture
def choose(runtime, spec):
    def choose(asked, *, now=PRESENT, own=spec, reason="the same season"):
        return set_reference(runtime, own, asked, actor=ANA, reason=reason, now=now)

    return choose


def read_references(runtime):
    tables = ("reference_choices", "standing_references", "reference_profiles", "binnings", "binning_categories")
    return read_tables(runtime.database) | {
        name: runtime.database.table(f"from {name} order by all") for name in tables
    }


def send(runtime, spec, start, *, debt_factor=1.0, without_region=False):
    loans = draw_loans(ROWS_PER_DAY, start, 1, seed=start.toordinal()).drop_columns(["label"])
    loans = loans.append_column("score", pa.array([0.4] * ROWS_PER_DAY))
    loans = loans.append_column("version", pa.repeat("v2", ROWS_PER_DAY))
    loans = loans.set_column(3, "debt", pa.array(loans["debt"].to_numpy() * debt_factor))
    if without_region:
        loans = loans.set_column(4, "region", pa.nulls(ROWS_PER_DAY, pa.string()))
    ingest_predictions(runtime, spec, loans, now=start + DAY)


def test_reference_is_training_of_the_champion_when_nobody_has_chosen(runtime, spec):
    found = read_standing_reference(runtime, spec, PRESENT)
    assert (found.origin, found.choice, found.reference.version) == (Origin.DEFAULT, None, "v2")
    assert found.since == START + 7 * DAY
    assert found.binning.endswith("made from the training rows of v2")


def test_window_is_in_force_at_once_with_its_audit_event(runtime, spec, choose):
    before = read_standing_reference(runtime, spec, PRESENT).reference
    kept = read_reference_profiles(runtime.database, before.id)
    bins = get_binning(runtime.database, MODEL)
    found = choose(WEEK_ONE)
    assert (found.origin, found.since, found.choice.actor) == (Origin.CHOSEN, PRESENT, ANA)
    reference = ensure_reference(runtime, spec, get_version(runtime.database, MODEL, "v2"), PRESENT)
    assert (reference.kind, reference.n, reference.n_chunks) == ("window", 7 * ROWS_PER_DAY, 7)
    assert report_drift(runtime, spec, None, WEEK_TWO, PRESENT)["reference"]["n"] == 7 * ROWS_PER_DAY
    event = list_audit_events(runtime.database, MODEL)[0]
    assert (event.action, event.actor, event.reason) == ("set reference", ANA, "the same season")
    assert event.evidence["before"] == {"version": None, "start": None, "end": None}
    assert event.evidence["after"]["start"] == WEEK_ONE.start.isoformat()
    assert (event.evidence["reference"], event.evidence["n"]) == (reference.id, reference.n)
    assert find_broken_line(runtime.database) is None
    assert get_binning(runtime.database, MODEL) == bins
    again = read_reference_profiles(runtime.database, before.id)
    assert {name: int(one.counts.n[0]) for name, one in again.items()} == dict.fromkeys(kept, 500)


def test_default_comes_back_as_it_was(runtime, spec, choose):
    before = read_standing_reference(runtime, spec, PRESENT)
    choose("v1")
    assert read_standing_reference(runtime, spec, PRESENT).reference.version == "v1"
    assert choose(None) == before
    assert [event.action for event in list_audit_events(runtime.database, MODEL)[:2]] == ["set reference"] * 2


def test_choice_comes_before_the_window_of_the_model_file(runtime, spec, choose):
    own = replace(spec, reference=WEEK_TWO)
    found = read_standing_reference(runtime, own, PRESENT)
    assert (found.origin, found.reference.start) == (Origin.MODEL_FILE, WEEK_TWO.start)
    assert choose(WEEK_ONE, own=own).reference.start == WEEK_ONE.start
    assert choose("v1", own=own).reference.version == "v1"
    found = choose(None, own=own)
    assert (found.origin, found.reference.start) == (Origin.MODEL_FILE, WEEK_TWO.start)


def test_window_counts_the_whole_days_that_start_in_it(runtime, choose):
    found = choose(Window(START + DAY / 2, START + 4 * DAY + DAY / 2))
    assert (found.reference.start, found.reference.end) == (START + DAY, START + 5 * DAY)
    assert found.reference.n == 4 * ROWS_PER_DAY
    with pytest.raises(InputError, match="already; nothing was changed"):
        choose(Window(START + DAY, START + 5 * DAY))


def test_rows_that_wait_are_counted_first(runtime, spec, choose):
    send(runtime, spec, PRESENT)
    assert choose(Window(PRESENT, PRESENT + DAY), now=PRESENT + DAY).reference.n == ROWS_PER_DAY


def test_version_in_production_is_judged_anew(runtime, spec, choose):
    now = PRESENT + 2 * DAY
    for day in range(2):
        send(runtime, spec, PRESENT + day * DAY, debt_factor=3.0)
        refresh(runtime, spec, PRESENT + (day + 1) * DAY)
    assert find_newest(runtime, "debt").status is Status.ALERT
    found = choose(Window(PRESENT, now), now=now)
    assert find_newest(runtime, "debt").status is Status.OK
    assert find_newest(runtime, "debt").evidence["reference"] == found.reference.id


def find_newest(runtime, subject):
    verdicts = list_verdicts(runtime.database, MODEL)
    return next(one for one in verdicts if (one.code, one.subject) == ("drift.feature", subject))


def test_estimates_and_impacts_learn_from_the_window(runtime, spec, choose):
    version = get_version(runtime.database, MODEL, "v2")
    assert read_reference_scores(runtime, spec, version).origin is not ReferenceOrigin.WINDOW
    binning = choose(WEEK_TWO).reference.binning
    scores = read_reference_scores(runtime, spec, version)
    assert (scores.origin, scores.n_available) == (ReferenceOrigin.WINDOW, 7 * ROWS_PER_DAY)
    assert find_joint(runtime, spec, version, binning).window == WEEK_TWO


def test_contract_is_proposed_from_the_window_and_from_training_for_what_it_lacks(runtime, spec, choose):
    send(runtime, spec, PRESENT, without_region=True)
    choose(Window(PRESENT, PRESENT + DAY), now=PRESENT + DAY)
    version = get_version(runtime.database, MODEL, "v2")
    wide = replace(version, features=(*version.features, "region"))
    state = read_contract(runtime, spec, wide, PRESENT + DAY)
    assert state.reference.kind == "window"
    region = state.contract.get_terms("region")
    assert (set(region.categories), region.most_null) == ({"north", "south"}, 0.1)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Window(START + DAY / 3, START + DAY / 2), "is empty: no day in UTC starts in it"),
        (Window(START, PRESENT + DAY), "reaches into the future; accepted is an end up to 2024-03-20T00:00"),
        (Window(PRESENT + DAY, PRESENT + 2 * DAY), "reaches into the future"),
        (Window(START - 9 * DAY, START), "has 0 rows that were counted; a reference needs 200. Traffic .* from 2024-"),
        (None, "already; nothing was changed"),
    ],
)
def test_choice_is_refused_and_changes_nothing(runtime, choose, asked, message):
    before = read_references(runtime)
    with pytest.raises(InputError, match=message):
        choose(asked)
    assert read_references(runtime) == before


def test_unknown_version_changes_nothing(runtime, choose):
    before = read_references(runtime)
    with pytest.raises(NotFoundError, match="its versions are: v1, v2, v3"):
        choose("v9")
    assert read_references(runtime) == before


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2001])
def test_choice_needs_a_reason(runtime, choose, reason):
    with pytest.raises(InputError, match="A reason of 1 to 2,000 characters"):
        choose(WEEK_ONE, reason=reason)
    assert get_reference_choice(runtime.database, MODEL) is None


def test_training_rows_that_are_gone_change_nothing(runtime, spec, choose):
    version = get_version(runtime.database, MODEL, "v1")
    with runtime.database.transaction() as transaction:
        transaction.run_sql("delete from standing_references where version = 'v1'")
    (runtime.home.snapshots / f"{version.snapshot.id}.parquet").unlink()
    before = read_references(runtime)
    with pytest.raises(HomeError, match="Put the file back from a backup"):
        choose("v1")
    assert read_references(runtime) == before


def register(runtime, spec, rows):
    known = get_version(runtime.database, MODEL, "v2")
    trained = TrainedVersion(
        name="v4",
        features=("income", "debt"),
        parameters={},
        offline_metrics={},
        rows=rows,
        code_id="0" * 64,
        artifact=(runtime.home.artifacts / f"{known.artifact_hash}.skops").read_bytes(),
    )
    return register_version(runtime, spec, trained, actor=ANA, now=PRESENT)


def test_too_few_training_rows_are_refused(runtime, spec, choose):
    register(runtime, spec, draw_loans(199, START, 1, seed=7))
    with pytest.raises(InputError, match="v4 has 199 training rows; a reference needs 200"):
        choose("v4")


def test_feature_that_the_chosen_version_never_had_is_absent_and_not_null(runtime, spec, choose):
    rows = draw_loans(500, START, 1, seed=7)
    register(runtime, spec, rows.set_column(4, "region", pa.nulls(500, pa.string())))
    choose("v4")
    document = report_drift(runtime, spec, None, WEEK_TWO, PRESENT)
    region = next(one for one in document["features"] if one["feature"] == "region")
    assert (region["n_reference"], region["status"]) == (0, "INSUFFICIENT_DATA")


def test_version_that_does_not_fit_the_bins_of_traffic_is_refused(runtime, spec, choose):
    rows = draw_loans(500, START, 1, seed=7)
    register(runtime, spec, rows.set_column(3, "debt", pa.array(rows["debt"].to_numpy() + 1e6)))
    before = read_references(runtime)
    with pytest.raises(ConflictError, match="The values of debt in the training rows of v4 fall into too few"):
        choose("v4")
    assert read_references(runtime) == before


def test_chosen_version_never_replaces_the_bins_of_the_version_in_production(runtime, spec, choose):
    rows = draw_loans(500, START, 1, seed=7)
    version = register(runtime, spec, rows.set_column(3, "debt", pa.array(rows["debt"].to_numpy() + 1e6)))
    choose("v1")
    bins = ensure_snapshot_reference(runtime, spec, version, PRESENT).binning
    with pytest.raises(ConflictError, match="training rows of v1 fall into too few"):
        read_standing_reference(runtime, spec, PRESENT)
    with pytest.raises(UnfinishedError, match="training rows of v1 fall into too few"):
        refresh(runtime, spec, PRESENT + DAY)
    assert choose(None).reference.version == "v2"
    assert get_binning(runtime.database, MODEL).id > bins
