"""A look at training rows: decides how each feature is summed up before it is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

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
        is_number = name in numeric
        area = separate_by_groups(_group(rows[name], is_number=is_number), labels, is_first)
        summary = FeatureSummary(
            feature=name,
            null_fraction=float(rows[name].isna().mean()),
            served_null_fraction=served_nulls.get(name),
            area=None if np.isnan(area) else area,
            psi=_measure_shift(before, rows[name], is_number=is_number),
        )
        found.append(_add_values(summary, rows[name].dropna(), contract, is_number=is_number))
    return found


def _add_values(summary: FeatureSummary, filled: pd.Series, contract: Contract, *, is_number: bool) -> FeatureSummary:
    """Add what the contract asks of values: the range of numbers, unknown categories of others."""
    if not is_number:
        return replace(summary, unseen_fraction=_find_unseen(filled, contract, summary.feature))
    if not len(filled):
        return summary
    return replace(summary, minimum=float(filled.min()), maximum=float(filled.max()))


def _group(column: pd.Series, *, is_number: bool) -> np.ndarray:
    """Give each row its group; rows without a value are a group of their own."""
    if not is_number:
        return np.asarray(pd.factorize(column)[0] + 1)
    values = column.to_numpy(np.float64)
    filled = values[~np.isnan(values)]
    edges = np.unique(np.quantile(filled, np.linspace(0, 1, N_GROUPS + 1)[1:-1])) if filled.size else np.array([])
    return np.where(np.isnan(values), 0, 1 + np.searchsorted(edges, values, side="right"))


def _measure_shift(before: pd.DataFrame | None, new: pd.Series, *, is_number: bool) -> float | None:
    if before is None or new.name not in before.columns:
        return None
    old = before[new.name]
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
