"""Decides how labelled rows are weighted to another mix of one feature, and when that hangs on too few of them."""

from dataclasses import dataclass

import numpy as np

from mlops_core.stats.score_groups import Values
from mlops_core.words import write_share

LEAST_ROWS = 200
"""Current rows, and effective rows of the reference, below which nothing is said."""

MOST_WEIGHT = 20.0
"""Rows that one row of the reference may stand for, relative to its share: more would hang all on a few rows."""

MOST_UNCOVERED = 0.1
"""Share of the current rows that the weighted reference may fail to stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightLimits:
    """When the weights are too uneven to say anything."""

    least_rows: float = LEAST_ROWS
    """Current rows, and effective rows of the reference, that are needed."""
    most_weight: float = MOST_WEIGHT
    """Cap of a bin's weight, current share over share in the reference; above 1."""
    most_uncovered: float = MOST_UNCOVERED
    """Largest share of the current rows, 0–1, that bins at the cap, or empty in the reference, may lack."""

    def __post_init__(self) -> None:
        if not (self.least_rows >= 1 and self.most_weight > 1 and 0 <= self.most_uncovered < 1):
            raise ValueError(f"{self}; accepted are least_rows from 1, most_weight above 1, most_uncovered in [0, 1)")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighted:
    """The labelled rows weighted to one mix."""

    weights: Values
    """By bin, scaled so that the rows' mean weight is 1, shape (B,)."""
    n: float
    """Rows whose mix it is."""
    n_effective: float
    uncovered: float
    """Share of the n rows left out."""


def weigh_bins(rows: Values, mix: Values, most_weight: float) -> Weighted:
    """Weight labelled rows by bin, both of shape (B,), to the shares of a mix, no weight above the most.

    Examples
    --------
    >>> weigh_bins(np.array([50.0, 50.0]), np.array([90.0, 10.0]), most_weight=20.0).weights.round(1).tolist()
    [1.8, 0.2]
    """
    shares, wanted = (counts / (counts.sum() or 1.0) for counts in (rows, mix))
    weights = np.minimum(np.divide(wanted, shares, out=np.zeros_like(shares), where=shares > 0), most_weight)
    covered = float(shares @ weights)
    weights = weights / (covered or 1.0)
    squares = float(rows @ weights**2)
    return Weighted(
        weights=weights,
        n=float(mix.sum()),
        n_effective=float(rows @ weights) ** 2 / squares if squares > 0 else 0.0,
        uncovered=max(1.0 - covered, 0.0),
    )


def find_unevenness(reference: Weighted, current: Weighted, limits: WeightLimits) -> str | None:
    """Say why the weights of either side are too uneven to tell anything; None when they are not."""
    for name, side in (("current", current), ("reference", reference)):
        if side.n < limits.least_rows:
            return f"{side.n:,.0f} {name} rows; {limits.least_rows:,.0f} are needed"
        if side.uncovered > limits.most_uncovered:
            return f"{write_share(side.uncovered)} of the {name} rows lie where hardly any labelled row does"
        if side.n_effective < limits.least_rows:
            return (
                f"weighted to the {name} rows, the labelled ones say as much as {side.n_effective:,.0f}; "
                f"{limits.least_rows:,.0f} are needed"
            )
    return None
