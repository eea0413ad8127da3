"""Versions side by side: on which rows they are compared, what is left out, and what is said without any."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from mlops_core.entities import Metric, Status, Window
from mlops_core.errors import CancelledError, NotFoundError
from mlops_core.services.background import Progress
from mlops_core.services.balance import tell_balance
from mlops_core.services.flips import MOST_EXAMPLES, list_examples, name_columns
from mlops_core.services.monitoring import refresh
from mlops_core.services.overlap import (
    align_window,
    find_overlap,
    list_standings,
    mark_scored,
    replay_versions,
    tell_lacking,
)
from mlops_core.services.own_traffic import export_answered, list_answered
from mlops_core.services.side_by_side import compare_side_by_side, propose_versions
from mlops_core.services.side_words import (
    CONFUSION_COLUMNS,
    METRIC_EXPORT,
    export_confusion,
    export_metrics,
    export_segments,
    list_confusion,
    list_metrics,
    list_segments,
    name_interval,
    name_metric_columns,
    name_tone,
    tell_flips,
    tell_side_by_side,
)
from mlops_core.store.replays import fetch_scored
from tests.services.test_monitoring import send
from tests.services.test_rehearsal import register_boosting
from tests.small_home import DAYS, PRESENT, PROMOTIONS, ROWS_PER_DAY, START, draw_loans

DAY = timedelta(days=1)
WHOLE = Window(START, START + DAYS * DAY)
SINCE_V2 = Window(PROMOTIONS[1][1], WHOLE.end)
WEEK = 7 * ROWS_PER_DAY


def replay(runtime, spec, *versions, window=WHOLE):
    return replay_versions(runtime, spec, versions, window, Progress())


def change_rows(runtime, statement):
    with runtime.database.transaction() as transaction:
        transaction.run_sql(statement)


def test_window_is_the_whole_chunks_that_it_touches(spec):
    hours = timedelta(hours=5)
    assert align_window(spec, Window(START + hours, START + DAY + hours)) == Window(START, START + 2 * DAY)
    assert align_window(spec, Window(START, START + DAY)) == Window(START, START + DAY)


def test_versions_that_answered_other_rows_have_no_overlap(runtime, spec):
    overlap = find_overlap(runtime, spec, ("v2", "v1"), WHOLE)
    assert (overlap.n, overlap.n_labelled, overlap.n_common) == (2 * WEEK, 2 * WEEK, 0)
    assert (overlap.compared, overlap.left_out, overlap.lacking) == (("v2",), ("v1",), ("v2", "v1"))
    assert [one.n_scored for one in overlap.standings] == [WEEK, WEEK]
    assert list_standings(overlap)[0] == ("v2", "4,200", "4,200", "4,200")
    told = tell_lacking(spec, overlap, WHOLE)
    assert told == "Of the 8,400 loans of 1–14 Mar, v2 has scored 4,200 (50 %) and v1 4,200 (50 %)."


def test_replay_makes_the_rows_the_same_and_changes_the_mark(runtime, spec):
    before = mark_scored(runtime, spec)
    outcome = replay(runtime, spec, "v2", "v1")
    assert (outcome.scored, outcome.refusals) == ({"v2": WEEK, "v1": WEEK}, {})
    assert mark_scored(runtime, spec) != before
    overlap = find_overlap(runtime, spec, ("v2", "v1"), WHOLE)
    assert (overlap.n_common, overlap.lacking) == (2 * WEEK, ())


def test_comparison_rests_on_exactly_the_rows_that_all_have_scored(runtime, spec):
    replay(runtime, spec, "v1", "v3", window=SINCE_V2)
    found = compare_side_by_side(runtime, spec, ("v2", "v1", "v3"), WHOLE)
    assert (found.n, [pair.comparison.candidate for pair in found.pairs]) == (WEEK, ["v1", "v3"])
    assert {pair.comparison.paired.n for pair in found.pairs} == {WEEK}
    assert (found.pairs[0].comparison.start, found.pairs[0].comparison.end) == (SINCE_V2.start, SINCE_V2.end)
    rows = fetch_scored(runtime.database, spec, ("v2", "v3"), found.overlap.sample)
    label, scores = rows["label"].to_numpy(), rows["score_1"].to_numpy()
    confusion = found.figures["v3"].confusion
    assert confusion.true_positive == int(((scores >= 0.5) & (label == 1)).sum())
    assert confusion == found.pairs[1].comparison.paired.candidate_confusion
    value = found.figures["v3"].metrics[Metric.F1].value
    assert value == pytest.approx(found.pairs[1].comparison.paired.metrics[Metric.F1].candidate)
    assert found.figures["v3"].roc.x.size > 2


@pytest.fixture
def small_samples(monkeypatch):
    """Take samples of 2,000 rows, as others are taken of 50,000."""
    for module in ("replay", "overlap"):
        monkeypatch.setattr(f"mlops_core.services.{module}.MOST_ROWS", 2000)


def test_comparison_of_a_sample_rests_on_it_once_all_have_scored_it(runtime, spec, small_samples):
    replay(runtime, spec, "v1", window=Window(SINCE_V2.start, SINCE_V2.start + 2 * DAY))
    before = find_overlap(runtime, spec, ("v2", "v1"), WHOLE)
    assert (before.n, before.n_common, before.sample.is_whole) == (2 * WEEK, 2 * ROWS_PER_DAY, True)
    assert [one.n_missing for one in before.standings] == [1001, 715]
    replay(runtime, spec, "v2", "v1")
    found = compare_side_by_side(runtime, spec, ("v2", "v1"), WHOLE)
    assert (found.overlap.lacking, found.overlap.sample.is_whole) == ((), False)
    assert found.n == found.overlap.n == found.overlap.n_common
    assert abs(found.n - 2000) <= DAYS
    assert "These are a sample of 8,400 loans, by day." in tell_side_by_side(found, spec).detail


def test_version_that_shares_too_few_rows_is_left_out_and_the_others_are_compared(runtime, spec):
    replay(runtime, spec, "v1", window=SINCE_V2)
    found = compare_side_by_side(runtime, spec, ("v2", "v3", "v1"), SINCE_V2)
    assert (found.overlap.compared, found.overlap.left_out) == (("v2", "v1"), ("v3",))
    headline = tell_side_by_side(found, spec)
    assert headline.sentence.startswith("v1 is worse than v2 on the same 4,200 loans: ROC AUC 0.")
    assert "v3 has scored too few of the same and is left out." in headline.detail
    assert (name_tone(found, spec), headline.status) == ("WORSE", Status.WARNING)


def test_verdict_names_the_better_version_whichever_comes_first(runtime, spec):
    replay(runtime, spec, "v2", "v1")
    found = compare_side_by_side(runtime, spec, ("v1", "v2"), WHOLE)
    headline = tell_side_by_side(found, spec)
    assert headline.sentence.startswith("v2 is better than v1 on the same 8,400 loans: ROC AUC 0.")
    assert headline.kicker.startswith("BETTER · ROC AUC +0.")
    assert name_tone(found, spec) == "BETTER"
    assert f"Of {found.n_positive:,} defaults v2 finds" in headline.detail


def test_verdict_rests_on_wider_intervals_when_several_candidates_are_judged_at_once(runtime, spec):
    replay(runtime, spec, "v1", "v3", window=SINCE_V2)
    alone, beside = (
        compare_side_by_side(runtime, spec, versions, SINCE_V2) for versions in (("v2", "v1"), ("v2", "v1", "v3"))
    )
    narrow, wide = (found.pairs[0].comparison.paired for found in (alone, beside))
    assert (narrow.confidence, wide.confidence) == (pytest.approx(0.95), pytest.approx(0.975))
    one, other = narrow.get_difference(spec.primary_metric), wide.get_difference(spec.primary_metric)
    assert other.low < one.low < one.difference == other.difference < one.high < other.high
    assert (name_interval(alone), name_interval(beside)) == ("95 % interval", "95 % intervals of all 2 together")
    assert {row[METRIC_EXPORT.index("confidence")] for row in export_metrics(beside)} == {"0.9750"}


def test_version_beside_itself_in_all_but_name_is_not_worse(runtime, spec):
    replay(runtime, spec, "v3", window=SINCE_V2)
    change_rows(runtime, "insert into replays_car_loan select prediction_id, scored_at, 'v1', 'x', score "
                         "from predictions_car_loan where version = 'v2'")  # fmt: skip
    found = compare_side_by_side(runtime, spec, ("v2", "v1", "v3"), SINCE_V2)
    own = found.pairs[0].comparison.paired
    assert (own.flips.n, found.pairs[0].examples) == (0, ())
    assert own.metrics[Metric.ROC_AUC].difference == 0
    pair = compare_side_by_side(runtime, spec, ("v2", "v1"), SINCE_V2)
    assert tell_side_by_side(pair, spec).sentence.startswith(
        "v1 is not worse than v2 by more than 0.01 on the same 4,200 loans: ROC AUC 0."
    )
    assert name_tone(pair, spec) == "NOT_WORSE"


def test_few_rows_leave_the_verdict_open_and_say_how_many_more_are_needed(runtime, spec):
    noise = "least(1, greatest(0, score + 0.3 * (hash(prediction_id) % 100 / 100 - 0.5)))"
    change_rows(
        runtime,
        f"insert into replays_car_loan select prediction_id, scored_at, 'v1', 'x', {noise} from predictions_car_loan "
        "where version = 'v2' order by prediction_id limit 300",
    )
    found = compare_side_by_side(runtime, spec, ("v2", "v1"), SINCE_V2)
    sentence = tell_side_by_side(found, spec).sentence
    assert sentence.startswith("Whether v1 is better than v2 is not decided on the same 300 loans: ROC AUC 0.")
    assert sentence.endswith(" more labels needed.")
    assert name_tone(found, spec) == "UNDECIDED"


def test_tables_say_the_same_as_the_record(runtime, spec):
    replay(runtime, spec, "v1", "v3", window=SINCE_V2)
    found = compare_side_by_side(runtime, spec, ("v2", "v1", "v3"), SINCE_V2)
    columns = name_metric_columns(found)
    assert columns == ("Metric", "v2", "v1", "v3", "v1 − v2", "v3 − v2")
    assert {len(row) for row in list_metrics(found)} == {len(columns)}
    assert [row[0] for row in list_confusion(found)] == ["v2", "v1", "v3", "v1 − v2", "v3 − v2"]
    assert {len(row) for row in list_confusion(found)} == {len(CONFUSION_COLUMNS)}
    assert [row[0] for row in list_metrics(found)] == ["F1", "Recall", "Precision", "ROC AUC", "Brier (sign turned)"]
    assert len(export_metrics(found)) == 10
    counts = np.array([[int(cell) for cell in row[1:]] for row in export_confusion(found)])
    assert counts.sum(axis=1).tolist() == [WEEK] * 3
    segments = found.pairs[0].comparison.segments
    assert [row[0] for row in list_segments(segments)] == [row[0] for row in export_segments(segments)]
    assert {row[0] for row in list_segments(segments)} == {"north", "south"}
    assert tell_flips(found.pairs[0].comparison, spec).startswith("v1 decides ")


def test_examples_are_rows_that_flip_with_what_the_versions_read(runtime, spec):
    replay(runtime, spec, "v1", window=SINCE_V2)
    found = compare_side_by_side(runtime, spec, ("v2", "v1"), SINCE_V2)
    examples = found.pairs[0].examples
    assert len(examples) == MOST_EXAMPLES
    assert {one.becomes for one in examples} == {"right", "wrong"}
    for one in examples:
        assert (one.champion_score >= 0.5) != (one.candidate_score >= 0.5)
        assert ((one.candidate_score >= 0.5) == (one.label == 1)) == (one.becomes == "right")
    columns = name_columns("v2", "v1", found.features)
    assert columns[-2:] == ("income", "debt")
    assert {len(row) for row in list_examples(examples)} == {len(columns)}


def test_segment_keeps_its_own_rows_alone(runtime, spec):
    replay(runtime, spec, "v1", window=SINCE_V2)
    parts = [
        compare_side_by_side(runtime, spec, ("v2", "v1"), SINCE_V2, ("region", value)) for value in ("north", "south")
    ]
    assert sum(part.n for part in parts) == WEEK
    assert [[one.segment for one in part.pairs[0].comparison.segments] for part in parts] == [["north"], ["south"]]


def test_versions_without_common_rows_get_no_verdict_but_what_each_answered(runtime, spec):
    found = compare_side_by_side(runtime, spec, ("v2", "v1"), WHOLE)
    assert (found.pairs, name_tone(found, spec)) == ((), "WARNING")
    headline = tell_side_by_side(found, spec)
    assert headline.sentence == "v2 and v1 have scored no labelled loans in common, so nobody can say which is better."
    assert headline.kicker.startswith("NO VERDICT")
    rows = list_answered(spec, found.own)
    assert [row[:4] for row in rows] == [("v2", "8–14 Mar", "4,200", "4,200"), ("v1", "1–7 Mar", "4,200", "4,200")]
    assert rows[0][4].startswith("0.")
    assert len(export_answered(found.own)) == 2
    assert {one.feature for one in found.own.balances["v1"]} == {"income", "debt", "region"}


def test_balance_finds_the_feature_that_differed(runtime, spec):
    debt = draw_loans(600, PRESENT, 1, seed=80)["debt"].to_numpy() + 2
    send(runtime, spec, "v3", PRESENT, 600, seed=80, labels=True, debt=pa.array(debt))
    refresh(runtime, spec, PRESENT + DAY)
    own = compare_side_by_side(runtime, spec, ("v2", "v3"), Window(START, PRESENT + DAY)).own
    first, *others = own.balances["v3"]
    assert (first.feature, first.standardised > 1, first.effect > 0.5) == ("debt", True, True)
    assert max(abs(one.effect) for one in others) < 0.1
    told = tell_balance(own.balances["v3"], "the traffic of v2 and v3")
    assert told.startswith("1 of 3 features of the traffic of v2 and v3 differ by an effect of 0.1 or more, 1 of them")


def test_too_few_common_rows_are_told_with_their_number(runtime, spec):
    change_rows(runtime, "insert into replays_car_loan select prediction_id, scored_at, 'v1', 'x', score "
                         "from predictions_car_loan where version = 'v2' order by prediction_id limit 57")  # fmt: skip
    found = compare_side_by_side(runtime, spec, ("v2", "v1"), WHOLE)
    assert found.overlap.n_common == 57
    assert "have scored only 57 labelled loans in common" in tell_side_by_side(found, spec).sentence


def test_window_without_labels_says_so(runtime, spec):
    change_rows(runtime, "delete from labels_car_loan")
    found = compare_side_by_side(runtime, spec, ("v2", "v1"), WHOLE)
    assert tell_side_by_side(found, spec).sentence == "None of the loans of 1–14 Mar have a label yet."
    assert name_tone(found, spec) == "INSUFFICIENT_DATA"


def test_window_without_rows_says_so(runtime, spec):
    found = compare_side_by_side(runtime, spec, ("v2", "v1"), Window(PRESENT, PRESENT + DAY))
    assert tell_side_by_side(found, spec).sentence == "There are no loans in this window."


def test_labels_of_one_class_leave_the_ranking_undefined(runtime, spec):
    replay(runtime, spec, "v1", window=SINCE_V2)
    change_rows(runtime, "update labels_car_loan set label = 0")
    found = compare_side_by_side(runtime, spec, ("v2", "v1"), SINCE_V2)
    headline = tell_side_by_side(found, spec)
    assert headline.sentence.startswith("Whether v1 is better than v2 cannot be said on the same 4,200 loans: ROC AUC")
    assert found.figures["v1"].roc.x.size == 0


def test_version_that_cannot_be_replayed_says_why_and_keeps_no_other_from_it(runtime, spec):
    change_rows(runtime, "update predictions_car_loan set debt = null")
    outcome = replay(runtime, spec, "v1", "v3")
    assert outcome.refusals["v1"].startswith("v1 cannot be replayed. It was trained with debt")
    assert outcome.scored == {"v3": 2 * WEEK}


def test_rows_from_the_time_that_a_version_was_trained_on_are_told_with_their_number(runtime, spec):
    replay(runtime, spec, "v3", window=SINCE_V2)
    told = "v3 was trained on loans up to 9 Mar: 1,200 of these are from that time and may flatter it."
    change_rows(runtime, "update snapshots set end_at = '2024-03-09 13:00:00+00' where id = "
                         "(select snapshot_id from versions where name = 'v3')")  # fmt: skip
    found = compare_side_by_side(runtime, spec, ("v2", "v3"), SINCE_V2)
    assert tell_side_by_side(found, spec).detail.endswith(told)
    later = Window(PROMOTIONS[1][1] + 2 * DAY, WHOLE.end)
    assert (
        "was trained on" not in tell_side_by_side(compare_side_by_side(runtime, spec, ("v2", "v3"), later), spec).detail
    )


def test_features_that_no_row_has_are_told(runtime, spec):
    change_rows(runtime, "update predictions_car_loan set debt = null where version = 'v2'")
    replay(runtime, spec, "v3", window=SINCE_V2)
    found = compare_side_by_side(runtime, spec, ("v2", "v3"), SINCE_V2)
    assert "None of these loans has debt, which v2 was trained with." in tell_side_by_side(found, spec).detail


def test_work_ends_when_it_is_cancelled(runtime, spec):
    progress = Progress()
    progress.cancel()
    with pytest.raises(CancelledError):
        compare_side_by_side(runtime, spec, ("v2", "v1"), WHOLE, progress=progress)
    with pytest.raises(CancelledError):
        replay_versions(runtime, spec, ("v3",), WHOLE, progress)


def test_unknown_version_is_refused(runtime, spec):
    with pytest.raises(NotFoundError, match="no version 'v9'"):
        compare_side_by_side(runtime, spec, ("v2", "v9"), WHOLE)


def test_proposal_is_the_champion_and_the_newest_other_until_the_checks_have_compared(runtime, spec):
    assert propose_versions(runtime, spec) == ["v2", "v3"]
    register_boosting(runtime, spec)
    assert propose_versions(runtime, spec) == ["v2", "v4"]
