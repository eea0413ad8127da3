"""The demo's entry point for training: decides which candidates a run tries, and where its rows come from."""

from functools import partial

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlops_core.demo.data import load_tables
from mlops_core.demo.features import CATEGORICAL, FEATURES, LEAKED_COLUMN, NUMERIC, ROW_COLUMNS, WEATHER, build_features
from mlops_core.demo.training import make_estimator
from mlops_core.training.plan import Candidate, Plan, RowsRequest

MODULES = ("mlops_core.demo.data", "mlops_core.demo.features", "mlops_core.demo.training")
RARE = 200
"""Flights below which a destination shares a column with other rare ones."""


def candidates() -> Plan:
    """Trees on all features, trees that need no weather, and a line through all features."""
    return Plan(
        candidates=(
            _boost("boosted trees", FEATURES),
            _boost("boosted trees without weather", tuple(name for name in FEATURES if name not in WEATHER)),
            Candidate(name="logistic regression", features=FEATURES, estimator=_make_line()),
        ),
        load_rows=load_rows,
        modules=MODULES,
    )


def leaking_candidates() -> Plan:
    """The mistake of v4: trees that also read the departure delay, which is not known yet when a flight is scored."""
    return Plan(
        candidates=(_boost("boosted trees with departure delay", (*FEATURES, LEAKED_COLUMN)),),
        load_rows=partial(load_rows, others=(LEAKED_COLUMN,)),
        modules=MODULES,
    )


def load_rows(request: RowsRequest, others: tuple[str, ...] = ()) -> pd.DataFrame:
    """Give the flights of a span from the tables behind the demo, as a warehouse would; the logs begin in March."""
    frame = build_features(load_tables())
    keep = frame["scored_at"] < request.end
    if request.start is not None:
        keep &= frame["scored_at"] >= request.start
    return frame.loc[keep, [*ROW_COLUMNS, *FEATURES, *others]]


def _boost(name: str, features: tuple[str, ...]) -> Candidate:
    return Candidate(
        name=name, features=features, estimator=make_estimator([one for one in CATEGORICAL if one in features])
    )


def _make_line() -> Pipeline:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="(none)"),
        OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RARE),
    )
    columns = make_column_transformer((numbers, list(NUMERIC)), (categories, list(CATEGORICAL)))
    return make_pipeline(columns, LogisticRegression(max_iter=200))
