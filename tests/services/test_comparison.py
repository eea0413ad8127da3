"""Replays, rehearsals, and alternatives: the same rows, scored once, compared only with labels."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sklearn.metrics import recall_score, roc_auc_score

from mlops_core.entities import Action, Actor, Metric, Window
from mlops_core.errors import ConflictError
from mlops_core.services.alternatives import refresh_alternatives
from mlops_core.services.comparison import (
    compare_versions,
    list_alternatives,
    read_comparison,
    write_comparison,
)
from mlops_core.services.comparison_report import report_comparison
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.services.rehearsal import compare_on_newest, find_rehearsal_window
from mlops_core.services.rehearsal_words import tell_rehearsal
from mlops_core.services.replay import sample_window
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import get_version
from mlops_core.store.profiles import count_chunks
from mlops_core.store.replays import fetch_scored
from tests.small_home import MODEL, PRESENT, PROMOTIONS, ROWS_PER_DAY, START

SINCE_V2 = Window(PROMOTIONS[1][1], START + timedelta(days=14))


NEW_KEYS = {"mcnemar", "margin", "p_value", "further_labels", "p_adjusted"}


def strip_document(part):
    """Leave out what a comparison that was kept by an earlier build does not have."""
    if isinstance(part, dict):
        return {key: strip_document(value) for key, value in part.items() if key not in NEW_KEYS}
    return [strip_document(value) for value in part] if isinstance(part, list) else part


def strip_comparison(found):
    def strip(difference):
        return replace(difference, p_value=None, further_labels=None)

    metrics = {metric: strip(difference) for metric, difference in found.paired.metrics.items()}
    segments = (replace(one, difference=strip(one.difference), p_adjusted=None) for one in found.segments)
    paired = replace(found.paired, metrics=metrics, mcnemar=None, margin=None)
    return replace(found, paired=paired, segments=tuple(segments))


@pytest.mark.parametrize("metric", [Metric.LOG_LOSS, Metric.POSITIVE_RATE])
def test_rehearsal_tells_the_primary_metric_when_it_is_not_among_the_usual_ones(runtime, spec, metric):
    other = replace(spec, primary_metric=metric)
    found = compare_on_newest(runtime, other, "v1", PRESENT)
    assert (metric in found.paired.metrics) == (metric is Metric.LOG_LOSS)
    sentence, detail = tell_rehearsal(found, other)
    told = "Log loss" if metric is Metric.LOG_LOSS else "Positive rate cannot be compared: positive_rate has no paired"
    assert told in detail
    assert "v1" in sentence


def count_replays(runtime):
    return runtime.database.table("select count(*) as n from replays_car_loan")["n"][0].as_py()


def test_rehearsal_scores_nothing_again_when_it_is_repeated(runtime, spec):
    first = compare_on_newest(runtime, spec, "v1", PRESENT)
    n_replays = count_replays(runtime)
    assert n_replays == 14 * ROWS_PER_DAY
    assert compare_on_newest(runtime, spec, "v1", PRESENT) == first
    assert count_replays(runtime) == n_replays


def test_rehearsal_compares_the_newest_labelled_traffic_whoever_answered_it(runtime, spec):
    found = compare_on_newest(runtime, spec, "v1", PRESENT)
    assert (found.champion, found.candidate, found.start, found.end) == ("v2", "v1", START, SINCE_V2.end)
    assert found.paired.n == 14 * ROWS_PER_DAY
    rows = fetch_scored(runtime.database, spec, ["v2", "v1"], sample_window(runtime, spec, Window(START, SINCE_V2.end)))
    truth = rows["label"].to_numpy()
    for metric, measure in (
        (Metric.ROC_AUC, roc_auc_score),
        (Metric.RECALL, lambda y, s: recall_score(y, s >= spec.threshold)),
    ):
        pair = found.paired.metrics[metric]
        assert pair.champion == pytest.approx(measure(truth, rows["score_0"].to_numpy()), abs=1e-9)
        assert pair.candidate == pytest.approx(measure(truth, rows["score_1"].to_numpy()), abs=1e-9)
        assert pair.difference == pytest.approx(pair.candidate - pair.champion)
    assert {segment.segment for segment in found.segments} == {"north", "south"}
    assert found.paired.margin == 0.01
    assert found.paired.mcnemar is not None
    assert found.paired.metrics[Metric.ROC_AUC].p_value is not None
    assert all(segment.p_adjusted is not None for segment in found.segments)
    document = json.loads(json.dumps(write_comparison(found)))
    assert read_comparison(document) == found
    assert read_comparison(strip_document(document)) == strip_comparison(found)


def test_alternatives_are_not_tried_when_the_champion_has_no_labels(runtime, spec):
    request = ChangeRequest(model=MODEL, to="v3", action=Action.PROMOTE, actor=Actor("ana", "api"), reason="test")
    change_production(runtime, request, now=PRESENT)
    champion = get_champion(runtime.database, MODEL)
    assert find_rehearsal_window(runtime, spec, PRESENT, champion) is None
    assert refresh_alternatives(runtime, spec, PRESENT) == []
    assert count_replays(runtime) == 0


def train_until(runtime, version, end):
    """Have the newest training row of a version be of another time."""
    with runtime.database.transaction() as transaction:
        transaction.run_sql(
            "update snapshots set end_at = $end where id = (select snapshot_id from versions where name = $version)",
            {"end": end, "version": version},
        )


@pytest.mark.parametrize("trained", ["v2", "v3"])
def test_rows_that_either_learned_from_are_left_out_of_a_rehearsal(runtime, spec, trained):
    train_until(runtime, trained, PROMOTIONS[1][1] + timedelta(days=2, hours=13))
    found = compare_on_newest(runtime, spec, "v3", PRESENT)
    assert (found.start, found.end) == (PROMOTIONS[1][1] + timedelta(days=3), SINCE_V2.end)
    assert (found.learned, found.paired.n) == ((trained,), 4 * ROWS_PER_DAY)
    assert f"Earlier ones are left out: {trained} learned from them." in tell_rehearsal(found, spec)[1]
    assert read_comparison(json.loads(json.dumps(write_comparison(found)))) == found


def test_version_that_learned_from_all_labelled_rows_has_no_rehearsal(runtime, spec):
    train_until(runtime, "v3", SINCE_V2.end - timedelta(hours=1))
    with pytest.raises(ConflictError, match="v3 learned from loans up to 14 Mar; none with labels is newer"):
        compare_on_newest(runtime, spec, "v3", PRESENT)
    assert [one.candidate for one in refresh_alternatives(runtime, spec, PRESENT)] == ["v1"]


def test_alternatives_are_compared_on_rows_that_are_new_to_them(runtime, spec):
    train_until(runtime, "v1", PROMOTIONS[1][1] + timedelta(days=2, hours=13))
    kept = {one.candidate: one for one in refresh_alternatives(runtime, spec, PRESENT)}
    assert kept["v1"].start == PROMOTIONS[1][1] + timedelta(days=3)
    assert kept["v1"].learned == ("v1",)
    assert list_alternatives(runtime, MODEL, "v2") == list(kept.values())


def test_window_that_was_asked_for_is_kept_and_names_who_learned_from_it(runtime, spec):
    train_until(runtime, "v3", PROMOTIONS[1][1] + timedelta(days=2, hours=13))
    asked = report_comparison(runtime, spec, "v2", "v3", SINCE_V2, PRESENT)
    assert (asked["learned"], asked["n"]) == (["v3"], 7 * ROWS_PER_DAY)
    newest = report_comparison(runtime, spec, "v2", "v3", None, PRESENT)
    assert (newest["learned"], newest["n"]) == ([], 4 * ROWS_PER_DAY)


def test_rehearsal_is_refused_when_the_version_is_in_production(runtime, spec):
    with pytest.raises(ConflictError, match="v2 cannot be rehearsed: it is in production"):
        compare_on_newest(runtime, spec, "v2", PRESENT)


def test_comparison_is_refused_when_no_labelled_rows_are_in_common(runtime, spec):
    with pytest.raises(ConflictError, match="v2 and v3 have 0 labelled loans in common"):
        compare_versions(runtime, spec, "v2", "v3", SINCE_V2)


def test_alternatives_are_kept_and_not_tried_again_when_nothing_has_come(runtime, spec):
    found = refresh_alternatives(runtime, spec, PRESENT)
    assert {comparison.candidate for comparison in found} >= {"v1"}
    assert all(comparison.champion == "v2" for comparison in found)
    n_replays = count_replays(runtime)
    assert n_replays == 2 * 7 * ROWS_PER_DAY
    again = refresh_alternatives(runtime, spec, PRESENT + timedelta(days=1))
    assert sorted(again, key=lambda c: c.candidate) == found
    assert runtime.database.table("select count(*) as n from comparisons")["n"][0].as_py() == len(found)
    assert count_replays(runtime) == n_replays


def test_damaged_rival_is_left_out_when_alternatives_are_tried(runtime, spec, caplog):
    version = get_version(runtime.database, MODEL, "v3")
    # The warm child keeps what it has loaded, so the damage is a hash that it has never seen.
    with runtime.database.transaction() as transaction:
        transaction.run_sql("update versions set artifact_hash = $hash where name = 'v3'", {"hash": "0" * 64})
    found = refresh_alternatives(runtime, spec, PRESENT)
    assert [comparison.candidate for comparison in found] == ["v1"]
    assert "car-loan v3 cannot be replayed" in caplog.text
    assert version.artifact_hash not in set(
        runtime.database.table("select artifact_hash from replays_car_loan")["artifact_hash"].to_pylist()
    )
    assert list_alternatives(runtime, MODEL, "v2") == found


def test_too_few_rows_in_common_are_no_fault_of_a_check(runtime, spec):
    with runtime.database.transaction() as transaction:
        transaction.run_sql("delete from labels_car_loan where hash(prediction_id) % 30 <> 0")
    count_chunks(runtime.database, spec, [START + timedelta(days=day) for day in range(14)])
    assert refresh_alternatives(runtime, spec, PRESENT) == []
