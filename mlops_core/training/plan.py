"""Entry points: decides what a model's training code hands over, and what is said of one that does not."""

import hashlib
import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mlops_core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

MOST_CANDIDATES = 50


class Estimator(Protocol):
    """What scikit-learn calls a classifier; LightGBM's and XGBoost's are of this form as well."""

    def fit(self, rows: "pd.DataFrame", labels: np.ndarray) -> object:
        """Learn from rows and their labels, 0 or 1."""

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Give the probability of each class, shape (n, 2)."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Give the parameters that it was made with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to train a version."""

    name: str
    """As it stands in the leaderboard: "boosted trees without weather"."""
    features: tuple[str, ...]
    """Columns that it reads, in this order."""
    estimator: Estimator
    """Not fitted; it is copied for each fit. It gets a data frame with the features as columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsRequest:
    """Which rows a run may learn from."""

    start: datetime | None
    """Time of scoring from which on, aware UTC; None for as far back as there are any."""
    end: datetime
    """Time of scoring up to which, exclusive."""
    labels_until: datetime
    """Labels that arrived later must not take part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an entry point gives, unless it is only a list of candidates."""

    candidates: Sequence[Candidate]
    load_rows: "Callable[[RowsRequest], pd.DataFrame] | None" = None
    """Brings the rows from elsewhere, instead of the logged ones: prediction_id, scored_at (aware), label (0 or 1),
    all features, and, if known, label_at (aware)."""
    modules: tuple[str, ...] = ()
    """Modules beside that of the entry point on which the outcome depends; they make up the code id with it."""


def load_plan(entry_point: str) -> Plan:
    """Import an entry point and ask it for its candidates; runs code of the model's owner, so call it in a child.

    Raises
    ------
    InputError
        When it cannot be imported, raises, or hands over something else.
    """
    module, _, name = entry_point.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise InputError(f"The entry point {entry_point!r} cannot be imported: {_explain(error)}.") from error
    if not callable(function):
        raise InputError(f"The entry point {entry_point!r} is {type(function).__name__}; accepted is a function.")
    try:
        given = function()
    except Exception as error:
        raise InputError(f"The entry point {entry_point!r} has raised {_explain(error)}.") from error
    plan = given if isinstance(given, Plan) else Plan(candidates=_read_candidates(entry_point, given))
    _check_candidates(entry_point, plan.candidates)
    return plan


def choose_candidates(plan: Plan, names: Sequence[str]) -> list[Candidate]:
    """Give the candidates with these names, or all of them when none is named.

    Raises
    ------
    InputError
        When there is none of a name.
    """
    known = {candidate.name: candidate for candidate in plan.candidates}
    for name in names:
        if name not in known:
            raise InputError(f"There is no candidate {name!r}; the candidates are: {', '.join(known)}.")
    return [known[name] for name in names] if names else list(plan.candidates)


def make_code_id(entry_point: str, plan: Plan) -> str:
    """Give the SHA-256 of the source of the entry point's module, and of those that it names.

    Raises
    ------
    InputError
        When a module has no source, or cannot be imported.
    """
    digest = hashlib.sha256()
    for name in (entry_point.partition(":")[0], *plan.modules):
        try:
            digest.update(Path(inspect.getfile(importlib.import_module(name))).read_bytes())
        except (ImportError, TypeError, OSError) as error:
            raise InputError(f"The code of the module {name!r} cannot be read: {_explain(error)}.") from error
    return digest.hexdigest()


def _read_candidates(entry_point: str, given: object) -> Sequence[Candidate]:
    if not isinstance(given, list | tuple):
        raise InputError(
            f"The entry point {entry_point!r} has returned {type(given).__name__}; "
            "accepted are a Plan and a list of Candidate."
        )
    return given


def _check_candidates(entry_point: str, candidates: Sequence[object]) -> None:
    if not 1 <= len(candidates) <= MOST_CANDIDATES:
        raise InputError(
            f"The entry point {entry_point!r} names {len(candidates):,} candidates; "
            f"accepted are 1 to {MOST_CANDIDATES}."
        )
    seen: set[str] = set()
    for candidate in candidates:
        if not isinstance(candidate, Candidate):
            raise InputError(
                f"The entry point {entry_point!r} names a {type(candidate).__name__} as a candidate; "
                "accepted are a Plan and a list of Candidate."
            )
        if not candidate.name or candidate.name in seen:
            raise InputError(f"Two candidates are called {candidate.name!r}; accepted are names that differ.")
        seen.add(candidate.name)
        if not candidate.features:
            raise InputError(f"The candidate {candidate.name!r} reads no feature; accepted is one or more.")
        lacking = [name for name in ("fit", "predict_proba", "get_params") if not hasattr(candidate.estimator, name)]
        if lacking or isinstance(candidate.estimator, type):
            raise InputError(
                f"The candidate {candidate.name!r} has {_name_type(candidate.estimator)} as its estimator; accepted is "
                "a classifier as scikit-learn has them, not fitted, with fit, predict_proba, and get_params."
            )


def _name_type(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"


def _explain(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
