"""An entry point for tests: what a data scientist would write for the small home's model."""

import importlib
import os
import signal
import time

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from mlops_core.training.plan import Candidate


def candidates() -> list[Candidate]:
    """Two candidates: trees on all features, a line through the numbers."""
    return [
        Candidate(
            name="boosted trees",
            features=("income", "debt", "region"),
            estimator=HistGradientBoostingClassifier(max_iter=20, categorical_features=["region"]),
        ),
        Candidate(
            name="logistic regression",
            features=("income", "debt"),
            estimator=LogisticRegression(),
        ),
    ]


class FailingLine(LogisticRegression):
    """A line that refuses all rows."""

    def fit(self, rows, labels):
        """Raise."""
        raise ValueError("these rows are not to my taste")


class OddLine(LogisticRegression):
    """A line whose chances lie outside of 0 and 1."""

    def predict_proba(self, rows):
        """Give what is no chance."""
        return 2 - super().predict_proba(rows)


def slow_candidates():
    """Candidates that leave time to kill or cancel a run."""
    slow = HistGradientBoostingClassifier(max_iter=1500, learning_rate=0.01, max_leaf_nodes=63, min_samples_leaf=2)
    return [
        Candidate(name="line", features=("income", "debt"), estimator=LogisticRegression()),
        Candidate(name="many trees", features=("income", "debt"), estimator=slow),
    ]


def boosters():
    """Trees of other libraries, where they are installed: on numbers alone, and behind an encoder of categories."""
    lightgbm, xgboost = importlib.import_module("lightgbm"), importlib.import_module("xgboost")
    estimators = {
        "LightGBM": lightgbm.LGBMClassifier(n_estimators=20, verbose=-1),
        "XGBoost": xgboost.XGBClassifier(n_estimators=20),
        "XGBoost forest": xgboost.XGBRFClassifier(n_estimators=20),
    }
    numbers = ("income", "debt")
    plain = [Candidate(name=name, features=numbers, estimator=estimator) for name, estimator in estimators.items()]
    return plain + [
        Candidate(
            name=f"{name} behind an encoder",
            features=(*numbers, "region"),
            estimator=make_pipeline(
                make_column_transformer((OrdinalEncoder(), ["region"]), remainder="passthrough"), estimator
            ),
        )
        for name, estimator in estimators.items()
    ]


def raising():
    """An entry point that raises."""
    raise RuntimeError("the warehouse is away")


def unknown_feature():
    """An entry point that reads what nobody logs."""
    return [Candidate(name="line", features=("income", "colour"), estimator=LogisticRegression())]


def failing_fit():
    """A candidate whose fit raises."""
    return [Candidate(name="failing", features=("income",), estimator=FailingLine())]


def odd_scores():
    """A candidate whose scores are no chances."""
    return [Candidate(name="odd", features=("income",), estimator=OddLine())]


def refused_type():
    """A candidate of a class of its own, which no artifact may hold."""
    return [Candidate(name="own class", features=("income",), estimator=OwnLine())]


class OwnLine(LogisticRegression):
    """A line of a class that is not on the allow-list."""


class HungryLine(LogisticRegression):
    """A line that takes all memory there is."""

    def fit(self, rows, labels):
        """Take memory until it is refused."""
        kept = []
        while True:
            kept.append(np.ones(10**8))


class EndingLine(LogisticRegression):
    """A line that ends its process."""

    def fit(self, rows, labels):
        """End the process as a crash of native code would."""
        os.kill(os.getpid(), signal.SIGSEGV)


class HangingLine(LogisticRegression):
    """A line that never ends."""

    def fit(self, rows, labels):
        """Wait for ever."""
        time.sleep(3600)


def eats_memory():
    """A candidate that takes all memory."""
    return [Candidate(name="hungry", features=("income",), estimator=HungryLine())]


def ends_process():
    """A candidate that ends its process."""
    return [Candidate(name="ending", features=("income",), estimator=EndingLine())]


def hanging():
    """A candidate that never ends."""
    return [Candidate(name="hanging", features=("income",), estimator=HangingLine())]
