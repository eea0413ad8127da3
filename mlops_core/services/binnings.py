"""Binning features: decides what the bins are made from, and when a new reference needs new ones."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_core.entities import ModelSpec
from mlops_core.errors import ConflictError
from mlops_core.services.runtime import Runtime
from mlops_core.stats.features import MOST_CATEGORIES, FeatureBinning
from mlops_core.stats.grids import choose_grid, measure_heaviest_bin
from mlops_core.store.binnings import Binning, add_binning, extend_binning, get_binning
from mlops_core.store.features import count_uncounted_values, fetch_uncounted

MOST_ROWS = 50_000
"""From so many rows, evenly taken from all, the bins of numbers are chosen."""
COARSEST_BIN = 0.05
"""A bin that holds more of a new reference than this, by values that do not repeat, makes a new binning."""


def adapt_binning(
    runtime: Runtime,
    spec: ModelSpec,
    rows: pa.Table,
    features: Sequence[str],
    origin: str,
    now: datetime,
    *,
    may_replace: bool = True,
) -> Binning:
    """Make a model's binning fit a reference: make the first one, add to it what is new, or replace it.

    Edges are never moved: a feature that became too coarse brings a new binning of all features, and what was
    counted by the old one stays readable with its references.

    Parameters
    ----------
    rows : pa.Table
        The reference, with the features as columns.
    origin : str
        What the rows are, in words: "the training rows of v1".
    may_replace : bool
        False for a reference beside the version in production, which keeps the bins that its traffic is counted by:
        else each of the two would replace what fits the other.

    Raises
    ------
    ConflictError
        When it is to be replaced, and may not be; nothing was changed.
    """
    known = get_binning(runtime.database, spec.name)
    chosen = [name for name in features if name in rows.column_names]
    if known is None or _needs_new_bins(known, chosen, rows, origin, may_replace=may_replace):
        return _start_binning(runtime, spec, rows, chosen, origin, now)
    own = [_bin_feature(spec, name, rows[name], known.features.get(name)) for name in chosen]
    changed = [one for one in own if one != known.features.get(one.feature)]
    if not changed:
        return known
    with runtime.database.transaction() as transaction:
        return extend_binning(transaction, known, changed)


def _needs_new_bins(known: Binning, features: Sequence[str], rows: pa.Table, origin: str, *, may_replace: bool) -> bool:
    """Say whether a feature has become too coarse; refuse it where the bins may not be replaced."""
    coarse = next((name for name in features if name in known.features and _is_too_coarse(known, name, rows)), None)
    if coarse and not may_replace:
        raise ConflictError(
            f"The values of {coarse} in {origin} fall into too few of the bins by which traffic is counted, so traffic "
            "cannot be compared with them; choose another reference."
        )
    return coarse is not None


def bin_from_traffic(runtime: Runtime, spec: ModelSpec, now: datetime) -> Binning | None:
    """Bin the features that no reference had by the first traffic that fills them; None while there is none."""
    known = get_binning(runtime.database, spec.name)
    missing = [name for name in spec.columns.features if known is None or name not in known.features]
    found = _bin_uncounted(runtime, spec, missing) if missing else []
    if not found:
        return known
    with runtime.database.transaction() as transaction:
        if known:
            return extend_binning(transaction, known, found)
        return add_binning(transaction, spec.name, "the first traffic", found, now)


def _bin_uncounted(runtime: Runtime, spec: ModelSpec, features: Sequence[str]) -> list[FeatureBinning]:
    """Choose the bins of those features that the uncounted rows fill: numbers by a sample, categories by all rows."""
    numbers = [name for name in features if name in spec.columns.numeric]
    rows = fetch_uncounted(runtime.database, spec, numbers, MOST_ROWS) if numbers else None
    found = [
        _bin_feature(spec, name, rows[name], None)
        for name in numbers
        if rows is not None and rows[name].null_count < rows.num_rows
    ]
    for name in features:
        counted = count_uncounted_values(runtime.database, spec, name) if name in spec.columns.categorical else {}
        if counted:
            found.append(_list_categories(name, counted, None))
    return found


def _start_binning(
    runtime: Runtime, spec: ModelSpec, rows: pa.Table, features: Sequence[str], origin: str, now: datetime
) -> Binning:
    binnings = [_bin_feature(spec, name, rows[name], None) for name in features]
    with runtime.database.transaction() as transaction:
        return add_binning(transaction, spec.name, origin, binnings, now)


def _bin_feature(spec: ModelSpec, name: str, values: pa.ChunkedArray, known: FeatureBinning | None) -> FeatureBinning:
    """Choose the bins of a feature; a known number keeps its grid, a known category gets what is new behind."""
    if name in spec.columns.categorical:
        return bin_texts(name, values, known)
    return known or FeatureBinning(feature=name, grid=choose_grid(_take_numbers(values)))


def bin_texts(name: str, values: pa.ChunkedArray, known: FeatureBinning | None = None) -> FeatureBinning:
    """Give each category of a reference a bin, the most frequent first, behind those that are known."""
    counted = pc.value_counts(values.drop_null()).to_pylist()
    return _list_categories(name, {one["values"]: one["counts"] for one in counted}, known)


def _list_categories(name: str, counted: Mapping[str, int], known: FeatureBinning | None) -> FeatureBinning:
    before = known.categories or () if known else ()
    added = sorted(counted.keys() - set(before), key=lambda value: (-counted[value], value))
    room = MOST_CATEGORIES - len(before)
    is_full = (known.is_full if known else False) or len(added) > room
    return FeatureBinning(feature=name, categories=(*before, *added[:room]), is_full=is_full)


def _is_too_coarse(binning: Binning, feature: str, rows: pa.Table) -> bool:
    grid = binning.features[feature].grid
    return grid is not None and measure_heaviest_bin(_take_numbers(rows[feature]), grid) > COARSEST_BIN


def _take_numbers(values: pa.ChunkedArray) -> np.ndarray:
    """Give the numbers of a column, nulls as NaN; of a long one every so many."""
    every = -(-len(values) // MOST_ROWS) or 1
    return np.asarray(values.cast(pa.float64()).to_numpy()[::every], dtype=np.float64)
