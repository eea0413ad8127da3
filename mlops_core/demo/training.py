"""The demo's training: decides which rows a version learns from, how it is fitted, and how it is measured offline."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from mlops_core.demo.data import start_day
from mlops_core.demo.features import CATEGORICAL, FEATURES, LEAKED_COLUMN
from mlops_core.entities import Metric
from mlops_core.training.fitting import measure

THRESHOLD = 0.30
"""A flight with this score or more gets a warning."""
HOLDOUT_SHARE = 0.2
SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """A fitted model with what it was measured on."""

    estimator: HistGradientBoostingClassifier
    """Scores a frame with the features as columns, in any order; unknown and missing categories are both null."""
    features: tuple[str, ...]
    """The columns it reads."""
    categorical: tuple[str, ...]
    """Those of them that hold categories."""
    offline: Mapping[Metric, float]
    """Metrics of this very estimator on the rows held out, labels at `THRESHOLD`."""
    held_out: np.ndarray
    """Whether each training row was kept from it to measure it, bool, shape (n,), in the order of the rows."""

    @property
    def n_fitted(self) -> int:
        """Rows it was fitted on."""
        return int(self.held_out.size - self.n_holdout)

    @property
    def n_holdout(self) -> int:
        """Rows it was measured on."""
        return int(self.held_out.sum())

    def score(self, rows: pd.DataFrame) -> np.ndarray:
        """Give the probability of the label 1 for each row."""
        with _use_one_core():
            return np.asarray(self.estimator.predict_proba(rows[list(self.features)])[:, 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecipe:
    """How one version of the demo came to be."""

    name: str
    """The version's name, such as "v1"."""
    trained_from: date
    """First New York day of its training rows."""
    trained_until: date
    """The New York day after the last of its training rows."""
    promoted_on: date
    """The New York day at whose start it went into production, or into the shadow."""
    features: tuple[str, ...]
    """The columns it reads."""

    @property
    def promoted_at(self) -> datetime:
        """When it went into production, aware UTC; only labels that had arrived by then are used."""
        return start_day(self.promoted_on)


def list_versions(leaked: str = LEAKED_COLUMN) -> tuple[VersionRecipe, ...]:
    """Give the versions up to the day on which the demo opens, oldest first; the last is the bad one."""
    spans = (
        ("v1", date(2013, 3, 1), date(2013, 3, 11), FEATURES),
        ("v2", date(2013, 5, 1), date(2013, 5, 13), FEATURES),
        ("v3", date(2013, 7, 1), date(2013, 7, 8), FEATURES),
        ("v4", date(2013, 10, 1), date(2013, 10, 7), (*FEATURES, leaked)),
    )
    return tuple(
        VersionRecipe(
            name=name, trained_from=date(2013, 1, 1), trained_until=until, promoted_on=promoted, features=features
        )
        for name, until, promoted, features in spans
    )


def make_rival(name: str) -> VersionRecipe:
    """Give the version of autumn flights alone: a better log loss offline than v3, and worse F1 on live flights."""
    return VersionRecipe(
        name=name,
        trained_from=date(2013, 9, 1),
        trained_until=date(2013, 11, 1),
        promoted_on=date(2013, 11, 11),
        features=FEATURES,
    )


def select_rows(frame: pd.DataFrame, recipe: VersionRecipe) -> pd.DataFrame:
    """Give the rows scored in the recipe's span whose label had arrived at its promotion."""
    scored = frame["scored_at"]
    in_span = (scored >= start_day(recipe.trained_from)) & (scored < start_day(recipe.trained_until))
    return frame[in_span & (frame["label_at"] <= recipe.promoted_at)]


def train_version(frame: pd.DataFrame, recipe: VersionRecipe) -> TrainedModel:
    """Train a version of the demo on the training table that `build_features` gives."""
    rows = select_rows(frame, recipe)
    return train(rows, rows["label"], recipe.features, CATEGORICAL)


def train(rows: pd.DataFrame, labels: pd.Series, features: Sequence[str], categorical: Sequence[str]) -> TrainedModel:
    """Fit on a random four fifths of the rows and measure on the rest.

    The model is not fitted again on all rows: the offline figures then belong to the very file that is shipped.
    The split is random, not by time, as in many real projects; that is why the leaked column passes it unseen.
    Rows must be labelled. Nulls are None or NaN. The same rows in the same order give the same model.
    """
    if labels.isna().any():
        raise ValueError(f"{int(labels.isna().sum())} of {len(labels)} labels are null; only labelled rows can train.")
    columns = list(features)
    used = tuple(name for name in categorical if name in columns)
    fit_rows, holdout, fit_labels, holdout_labels, _, kept = train_test_split(
        rows[columns], labels.astype("int8"), np.arange(len(rows)), test_size=HOLDOUT_SHARE, random_state=SEED
    )
    estimator = make_estimator(used)
    with _use_one_core():
        estimator.fit(fit_rows, fit_labels)
        scores = estimator.predict_proba(holdout)[:, 1]
    return TrainedModel(
        estimator=estimator,
        features=tuple(columns),
        categorical=used,
        offline=measure(holdout_labels.to_numpy(), scores, THRESHOLD),
        held_out=np.isin(np.arange(len(rows)), kept),
    )


def make_estimator(categorical: Sequence[str]) -> HistGradientBoostingClassifier:
    """Make the trees of all versions, not fitted."""
    # Categories named by column: the estimator then encodes strings itself, and the file needs nothing else to score.
    return HistGradientBoostingClassifier(
        max_iter=150,
        learning_rate=0.08,
        max_leaf_nodes=31,
        min_samples_leaf=50,
        categorical_features=list(categorical) or None,
        random_state=SEED,
    )


def _use_one_core() -> threadpool_limits:
    # OpenMP threads wait for each other by spinning: on two busy cores, two of them took six times as long as one.
    return threadpool_limits(limits=1, user_api="openmp")


def code_id() -> str:
    """Give the SHA-256 of the code that a model depends on: features and training."""
    folder = Path(__file__).resolve().parent
    sources = b"".join((folder / name).read_bytes() for name in ("features.py", "training.py"))
    return hashlib.sha256(sources).hexdigest()
