"""A look at training rows: decides how each feature is summed up before it is judged."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mlops_core.checks.training_data import FeatureSummary
from mlops_core.contracts import Contract
from mlops_core.stats.divergence import compute_psi
from mlops_core.stats.leakage import separate_by_groups
from mlops_core.stats.values import choose_starts
from mlops_core.training.fitting import Report

N_GROUPS = 20
"""Groups of nearly even shares that a number is cut into to see what it tells of the label."""


def summarise_features(
    rows: pd.DataFrame,
    labels: np.ndarray,
    *,
    numeric: Sequence[str],
    contract: Contract,
    served_nulls: Mapping[str, float],
    before: pd.DataFrame | None,
    report: Report,
) -> list[FeatureSummary]:
    """Sum each feature of the training rows up.

    Parameters
    ----------
    rows : pd.DataFrame
        Features only, in the order of time.
    labels : ndarray of shape (n,)
        0 or 1.
    served_nulls : mapping
        Share of empty values in the newest traffic, 0–1, by feature.
    before : pd.DataFrame, optional
        The rows of the snapshot before.
    """
    is_first = np.arange(len(rows)) % 2 == 0
    found = []
    for i, name in enumerate(rows.columns):
        report(i / len(rows.columns), f"Looking at {name}")
        old = before[name] if before is not None and name in before.columns else None
        is_number = name in numeric
        area = separate_by_groups(_group(rows[name], is_number=is_number), labels, is_first)
        filled = rows[name].dropna()
        found.append(
            FeatureSummary(
                feature=name,
                null_fraction=float(rows[name].isna().mean()),
                served_null_fraction=served_nulls.get(name),
                area=None if np.isnan(area) else area,
                psi=None if old is None else _measure_shift(old, rows[name], is_number=is_number),
                minimum=float(filled.min()) if is_number and len(filled) else None,
                maximum=float(filled.max()) if is_number and len(filled) else None,
                unseen_fraction=None if is_number else _find_unseen(filled, contract, name),
            )
        )
    return found


def _group(column: pd.Series, *, is_number: bool) -> np.ndarray:
    """Give each row its group; rows without a value are a group of their own."""
    if not is_number:
        return np.asarray(pd.factorize(column)[0] + 1)
    values = column.to_numpy(np.float64)
    filled = values[~np.isnan(values)]
    edges = np.unique(np.quantile(filled, np.linspace(0, 1, N_GROUPS + 1)[1:-1])) if filled.size else np.array([])
    return np.where(np.isnan(values), 0, 1 + np.searchsorted(edges, values, side="right"))


def _measure_shift(old: pd.Series, new: pd.Series, *, is_number: bool) -> float | None:
    if is_number:
        before, after = (side.to_numpy(np.float64) for side in (old, new))
        starts = choose_starts(before[~np.isnan(before)])
        counts = [_count_numbers(side, starts) for side in (before, after)]
    else:
        values = pd.Index(old.dropna().unique())
        counts = [_count_texts(side, values) for side in (old, new)]
    psi = float(compute_psi(*counts))
    return None if np.isnan(psi) else psi


def _count_numbers(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    filled = values[~np.isnan(values)]
    places = np.clip(np.searchsorted(starts, filled, side="right") - 1, 0, None)
    return np.append(np.bincount(places, minlength=len(starts)), values.size - filled.size)


def _count_texts(values: pd.Series, known: pd.Index) -> np.ndarray:
    places = known.get_indexer(values.dropna())
    others = int((places < 0).sum())
    return np.append(np.bincount(places[places >= 0], minlength=len(known)), [others, int(values.isna().sum())])


def _find_unseen(filled: pd.Series, contract: Contract, name: str) -> float | None:
    terms = contract.get_terms(name)
    if terms is None or terms.categories is None or not len(filled):
        return None
    return float((~filled.isin(list(terms.categories))).mean())
