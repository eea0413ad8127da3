from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import skops.io

from mlops_core.config import PROJECT, read_model_file
from mlops_core.demo.data import NEW_YORK, Tables
from mlops_core.demo.features import CATEGORICAL, FEATURES, LEAKED_COLUMN, build_features, serving_view
from mlops_core.demo.training import (
    THRESHOLD,
    TrainedModel,
    code_id,
    list_versions,
    select_rows,
    train,
    train_version,
)
from mlops_core.entities import Metric
from mlops_core.training.fitting import measure

UNTRUSTED_TYPES = {
    "functools.partial",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
}


@pytest.fixture(scope="module")
def traffic(frame: pd.DataFrame) -> pd.DataFrame:
    """What v4 served on 7–27 October, New York days, as far as its labels are in when the demo opens."""
    start, end = (pd.Timestamp(day, tz=NEW_YORK) for day in ("2013-10-07", "2013-10-28"))
    labelled = frame["label_at"] <= datetime(2013, 10, 31, 12, tzinfo=UTC)
    return serving_view(frame[(frame["scored_at"] >= start) & (frame["scored_at"] < end) & labelled])


@pytest.fixture(scope="module")
def few(frame: pd.DataFrame) -> pd.DataFrame:
    return select_rows(frame, list_versions()[0]).head(12_000)


def _measure(model: TrainedModel, rows: pd.DataFrame) -> dict[Metric, float]:
    return measure(rows["label"].to_numpy(), model.score(rows), THRESHOLD)


def test_versions_are_promoted_on_their_new_york_mornings() -> None:
    promoted = {recipe.name: recipe.promoted_at for recipe in list_versions()}
    assert promoted == {
        "v1": datetime(2013, 3, 11, 4, tzinfo=UTC),
        "v2": datetime(2013, 5, 13, 4, tzinfo=UTC),
        "v3": datetime(2013, 7, 8, 4, tzinfo=UTC),
        "v4": datetime(2013, 10, 7, 4, tzinfo=UTC),
    }
    assert [recipe.features for recipe in list_versions()[:3]] == [FEATURES] * 3
    assert list_versions()[3].features == (*FEATURES, LEAKED_COLUMN)


def test_versions_learn_only_from_labels_that_had_arrived(frame: pd.DataFrame) -> None:
    counts = []
    for recipe in list_versions():
        rows = select_rows(frame, recipe)
        assert rows["label"].notna().all()
        assert (rows["label_at"] <= recipe.promoted_at).all()
        counts.append(len(rows))
    assert counts == [50_009, 105_475, 160_360, 243_464]


def test_offline_figures_let_the_bad_version_pass(v3: TrainedModel, v4: TrainedModel) -> None:
    assert v3.offline[Metric.ROC_AUC] == pytest.approx(0.783, abs=0.01)
    assert v4.offline[Metric.ROC_AUC] == pytest.approx(0.939, abs=0.01)
    assert v4.offline[Metric.F1] > v3.offline[Metric.F1] + 0.2
    assert v4.n_holdout == pytest.approx(0.2 * (v4.n_fitted + v4.n_holdout), abs=1)


def test_live_figures_tell_the_story(traffic: pd.DataFrame, v3: TrainedModel, v4: TrainedModel) -> None:
    assert len(traffic) == pytest.approx(19_030, abs=50)
    honest, broken = _measure(v3, traffic), _measure(v4, traffic)
    assert honest[Metric.ROC_AUC] == pytest.approx(0.723, abs=0.01)
    assert broken[Metric.ROC_AUC] == pytest.approx(0.653, abs=0.01)
    assert honest[Metric.F1] == pytest.approx(0.433, abs=0.02)
    assert broken[Metric.F1] == pytest.approx(0.017, abs=0.01)
    assert honest[Metric.RECALL] == pytest.approx(0.405, abs=0.02)
    assert broken[Metric.RECALL] == pytest.approx(0.008, abs=0.01)
    assert honest[Metric.BRIER] == pytest.approx(0.129, abs=0.005)
    assert broken[Metric.BRIER] == pytest.approx(0.165, abs=0.005)


def test_decisions_flip_and_scores_fall_under_the_bad_version(
    traffic: pd.DataFrame, v3: TrainedModel, v4: TrainedModel
) -> None:
    honest, broken = v3.score(traffic), v4.score(traffic)
    assert ((honest >= THRESHOLD) != (broken >= THRESHOLD)).mean() == pytest.approx(0.159, abs=0.01)
    assert broken.mean() == pytest.approx(0.05, abs=0.01)


def test_every_origin_suffers_from_the_bad_version(traffic: pd.DataFrame, v3: TrainedModel, v4: TrainedModel) -> None:
    loss = {
        origin: _measure(v3, rows)[Metric.F1] - _measure(v4, rows)[Metric.F1]
        for origin, rows in traffic.groupby("origin")
    }
    assert loss == {
        "EWR": pytest.approx(0.49, abs=0.03),
        "LGA": pytest.approx(0.43, abs=0.03),
        "JFK": pytest.approx(0.27, abs=0.03),
    }


def test_leaked_column_may_have_any_name(tables: Tables, few: pd.DataFrame) -> None:
    name = "minutes_behind"
    assert name not in few
    renamed = build_features(tables, leaked=name).loc[few.index]
    recipe = list_versions(leaked=name)[3]
    assert LEAKED_COLUMN not in renamed
    model = train_version(renamed, recipe)
    expected = train_version(few, list_versions()[3])
    assert model.offline == expected.offline
    assert model.offline[Metric.ROC_AUC] > 0.9
    served = serving_view(renamed, leaked=name)
    np.testing.assert_array_equal(model.score(served), expected.score(serving_view(few)))


def test_training_is_repeatable(few: pd.DataFrame) -> None:
    first, second = (train(few, few["label"], FEATURES, CATEGORICAL) for _ in range(2))
    assert first.offline == second.offline
    np.testing.assert_array_equal(first.score(few), second.score(few))


def test_training_refuses_rows_without_labels(few: pd.DataFrame) -> None:
    labels = few["label"].mask(few.index == few.index[0])
    with pytest.raises(ValueError, match="1 of 12000 labels are null"):
        train(few, labels, FEATURES, CATEGORICAL)


def test_model_file_and_training_agree_on_the_threshold() -> None:
    assert read_model_file(PROJECT / "data" / "models" / "flight-delay.toml").threshold == THRESHOLD


def test_artifact_scores_odd_rows_after_a_round_trip(few: pd.DataFrame) -> None:
    model = train(few, few["label"], FEATURES, CATEGORICAL)
    content = skops.io.dumps(model.estimator)
    assert set(skops.io.get_untrusted_types(data=content)) <= UNTRUSTED_TYPES
    loaded = replace(model, estimator=skops.io.loads(content, trusted=sorted(UNTRUSTED_TYPES)))
    np.testing.assert_array_equal(loaded.score(few), model.score(few))
    rows = few.head(4)
    odd = rows.assign(
        dest=["nowhere", None, np.nan, ""],
        carrier=pd.Series([None] * 4, index=rows.index, dtype=object),
        temp=pd.Series([None] * 4, index=rows.index, dtype=object),
        seats=np.nan,
    )
    shuffled = odd[odd.columns[::-1]].assign(extra="ignored")
    scores = loaded.score(shuffled)
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(loaded.estimator.predict_proba(shuffled)[:, 1], scores)
    unseen = odd.assign(dest=pd.Series([None] * 4, index=rows.index, dtype=object))
    np.testing.assert_array_equal(loaded.score(unseen), scores)


def test_code_id_names_the_code() -> None:
    assert len(code_id()) == 64
    assert code_id() == code_id()
