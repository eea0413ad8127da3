"""Erasure of one prediction: it is nowhere afterwards, hashes stay honest, and a cut-off one can be repeated."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_core.entities import Actor
from mlops_core.errors import ConflictError, HomeError, InputError, NotFoundError
from mlops_core.frozen_rows import drop_prediction, hash_rows, locate_rows
from mlops_core.runs import RunOrder
from mlops_core.services.erasure import erase_prediction, plan_erasure
from mlops_core.services.health import examine_snapshots
from mlops_core.services.ingestion import ingest_labels
from mlops_core.services.registry import keep_snapshot
from mlops_core.services.snapshot_records import report_snapshots
from mlops_core.store.audit import find_broken_line, list_audit_events
from mlops_core.store.models import add_snapshot, get_version
from mlops_core.store.profiles import read_coverage
from mlops_core.store.replays import append_replay
from mlops_core.store.runs import add_run
from mlops_core.store.snapshots import list_snapshots, note_content
from tests.small_home import MODEL, PRESENT, START, draw_loans

ANA = Actor("ana", "page")
LOGGED, TRAINED = "3-00007", "100-00003"


def erase(runtime, spec, prediction_id, reason="she asked"):
    return erase_prediction(runtime, spec, prediction_id, actor=ANA, reason=reason, now=PRESENT)


def count(runtime, kind, prediction_id):
    statement = f"select count(*) as n from {kind}_car_loan where prediction_id = $id"
    return runtime.database.table(statement, {"id": prediction_id})["n"][0].as_py()


def find_state(runtime, version="v1"):
    snapshot = get_version(runtime.database, MODEL, version).snapshot
    return next(one for one in list_snapshots(runtime.database, MODEL) if one.snapshot.id == snapshot.id)


def locate(runtime, state):
    return locate_rows(runtime.home.snapshots, state.snapshot.id)


def examine(runtime, spec):
    snapshots = report_snapshots(runtime, spec)["snapshots"]
    return examine_snapshots(runtime.home, [{"model": MODEL, **entry} for entry in snapshots])


def test_rows_labels_and_replays_go_and_counts_stay(runtime, spec):
    when = runtime.database.table(
        "select scored_at from predictions_car_loan where prediction_id = $id", {"id": LOGGED}
    )
    append_replay(
        runtime.database,
        spec,
        "v3",
        "hash",
        pa.table({"prediction_id": [LOGGED], "scored_at": when[0], "score": [0.5]}),
    )
    coverage = [
        (one.version, one.chunk, one.n) for one in read_coverage(runtime.database, MODEL) if one.version != "v3"
    ]
    done = erase(runtime, spec, LOGGED)
    assert done.rows == {"predictions": 1, "labels": 1, "replays": 1, "refused": 0}
    assert [count(runtime, kind, LOGGED) for kind in ("predictions", "labels", "replays")] == [0, 0, 0]
    assert count(runtime, "predictions", "3-00008") == 1
    after = [(one.version, one.chunk, one.n) for one in read_coverage(runtime.database, MODEL) if one.version != "v3"]
    assert after == coverage


def test_snapshot_keeps_its_id_and_is_checked_by_its_new_hash(runtime, spec):
    before = find_state(runtime)
    rows = pq.read_table(locate(runtime, before))
    assert (hash_rows(rows), before.content) == (before.snapshot.id, before.snapshot.id)
    (file,) = erase(runtime, spec, TRAINED).files
    after, left = find_state(runtime), pq.read_table(locate(runtime, before))
    assert left.equals(drop_prediction(rows, TRAINED))
    assert (file.snapshot, file.content, file.rows) == (before.snapshot.id, hash_rows(left), 499)
    assert (after.content, after.rows, after.n_erasures) == (file.content, 499, 1)
    assert locate(runtime, before).stat().st_mode & 0o777 == 0o600
    assert examine(runtime, spec).passed


def test_audit_log_holds_the_hash_of_the_id_alone(runtime, spec):
    erase(runtime, spec, TRAINED, reason=f"the customer of {TRAINED} asked")
    event, digest = list_audit_events(runtime.database, MODEL, 1)[0], hashlib.sha256(TRAINED.encode()).hexdigest()
    assert (event.action, event.subject, event.reason) == (
        "erase prediction", f"sha256:{digest}", f"the customer of sha256:{digest} asked"
    )  # fmt: skip
    assert TRAINED not in repr(event)
    assert list(event.evidence["snapshots"]) == [find_state(runtime).snapshot.id]
    assert find_broken_line(runtime.database) is None


def test_second_erasure_changes_nothing(runtime, spec):
    first = erase(runtime, spec, TRAINED)
    lines = list_audit_events(runtime.database, MODEL)
    content = locate(runtime, find_state(runtime)).read_bytes()
    again = erase(runtime, spec, TRAINED)
    assert (again.erased_at, again.files, any(again.rows.values())) == (first.erased_at, (), False)
    assert list_audit_events(runtime.database, MODEL) == lines
    assert locate(runtime, find_state(runtime)).read_bytes() == content


def test_erasure_goes_on_when_it_was_cut_off_before_the_file_was_replaced(runtime, spec):
    erase(runtime, spec, "100-00001")
    state = find_state(runtime)
    left = drop_prediction(pq.read_table(locate(runtime, state)), TRAINED)
    digest = hashlib.sha256(TRAINED.encode()).hexdigest()
    with runtime.database.transaction() as transaction:
        note_content(transaction, state.snapshot.id, hash_rows(left), left.num_rows, PRESENT, digest)
    assert "is damaged" in examine(runtime, spec).detail
    (file,) = erase(runtime, spec, TRAINED).files
    assert (file.content, find_state(runtime).n_erasures) == (hash_rows(left), 2)
    assert examine(runtime, spec).passed


def test_doctor_names_a_file_that_came_back_from_a_backup_and_one_that_was_changed(runtime, spec):
    path = locate(runtime, find_state(runtime))
    backup = path.read_bytes()
    erase(runtime, spec, TRAINED)
    path.write_bytes(backup)
    assert "holds rows that were erased, of v1" in examine(runtime, spec).detail
    assert not erase_is_done(runtime, spec)
    erase(runtime, spec, TRAINED)
    assert examine(runtime, spec).passed
    pq.write_table(pq.read_table(path).slice(1), path)
    assert "is damaged" in examine(runtime, spec).detail
    with pytest.raises(HomeError, match="is damaged"):
        erase(runtime, spec, "100-00009")


def erase_is_done(runtime, spec):
    return plan_erasure(runtime, spec, TRAINED).erased_at is not None


def test_example_of_a_refused_delivery_goes_too(runtime, spec):
    at = pa.array([PRESENT], pa.timestamp("us", tz="UTC"))
    with pytest.raises(InputError):
        ingest_labels(
            runtime, spec, pa.table({"prediction_id": ["odd-1"], "label": [7.0], "label_at": at}), now=PRESENT
        )
    assert erase(runtime, spec, "odd-1").rows["refused"] == 1
    assert "odd-1" not in repr(runtime.database.table("from refusals").to_pylist())


def test_erasure_is_refused_while_a_run_is_open(runtime, spec):
    order = RunOrder(model=MODEL, reason="labels are in", actor=ANA)
    with runtime.database.transaction() as transaction:
        add_run(transaction, order, workflow="w", at=PRESENT, recorded_at=PRESENT, held_from=PRESENT)
    with pytest.raises(ConflictError, match="may train on it"):
        erase(runtime, spec, TRAINED)
    assert find_state(runtime).n_erasures == 0


@pytest.mark.parametrize(
    ("prediction_id", "reason", "error", "message"),
    [
        ("nope", "because", NotFoundError, "has no prediction 'nope', neither in its rows nor in a snapshot"),
        ("", "because", InputError, "The prediction id has 0 characters"),
        (LOGGED, " ", InputError, "A reason of 1 to 2,000 characters"),
    ],
)
def test_erasure_is_refused_with_what_is_accepted(runtime, spec, prediction_id, reason, error, message):
    with pytest.raises(error, match=message):
        erase(runtime, spec, prediction_id, reason)


def test_rows_with_empty_values_have_the_same_hash_when_they_are_read_back(runtime, spec):
    rows = draw_loans(50, START, 1, seed=5)
    gaps = pa.array([None if i % 3 else float(i) for i in range(50)], pa.float64())
    rows = rows.set_column(rows.column_names.index("debt"), "debt", gaps)
    snapshot = keep_snapshot(runtime, MODEL, rows, ("income", "debt"), PRESENT)
    with runtime.database.transaction() as transaction:
        add_snapshot(transaction, snapshot)
    assert hash_rows(pq.read_table(locate_rows(runtime.home.snapshots, snapshot.id))) == snapshot.id
    erase(runtime, spec, "5-00001")
    assert examine(runtime, spec).passed
