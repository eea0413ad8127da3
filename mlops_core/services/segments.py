"""Performance by segment: decides the order, worst first, and how sure each figure is beside so many others."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlops_core.checks.performance import LEAST_LABELS
from mlops_core.entities import Estimate, Metric, ModelSpec, Window
from mlops_core.services.runtime import Runtime
from mlops_core.stats.intervals import estimate_metrics
from mlops_core.store.segment_scores import read_segment_scores
from mlops_core.words import write_estimate, write_number, write_share

MOST_SEGMENTS = 50
"""The largest ones; a longer table would not be read."""
MOST_BLOCKS = 10
"""Blocks of consecutive chunks that the intervals resample."""
CONFIDENCE = 0.95
COLUMNS = ("Segment", "Figure", "Against all", "Labels", "Positives")
EXPORTED = ("segment_column", "segment", "figure", "low", "high", "against_all", "n_labelled", "n_positive")
"""Columns of the segments as CSV."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFigure:
    """One metric of one version in one segment."""

    column: str
    value: str
    n_labelled: int
    n_positive: int
    estimate: Estimate
    """With an interval that holds for all segments of the table at once."""
    verdict: str
    """"worse", "better", or "undecided" against all traffic, else why nothing can be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentTable:
    """The segments of one version, worst first."""

    metric: Metric
    rows: tuple[SegmentFigure, ...]
    n_left_out: int
    """Smaller segments that the table has no room for."""


def rank_segments(
    runtime: Runtime, spec: ModelSpec, version: str, metric: Metric, window: Window, overall: Estimate
) -> SegmentTable:
    """Rank the segments of a version by a metric, the worst first; those with too few labels last.

    A metric that is neither better high nor low, as the positive rate, is ranked from the lowest.

    The intervals are Bonferroni's: with k segments each has the confidence 1 - 0.05 / k, so that with 95 % all of
    them hold. They resample blocks of consecutive chunks.

    Parameters
    ----------
    overall : Estimate
        The same metric over all traffic.
    """
    found = read_segment_scores(runtime.database, spec, version, window, MOST_BLOCKS)
    largest = sorted(found.items(), key=lambda item: -int(item[1].n_labelled.sum()))[:MOST_SEGMENTS]
    confidence = 1 - (1 - CONFIDENCE) / max(len(largest), 1)
    rows = []
    for (column, value), counts in largest:
        n = int(counts.n_labelled.sum())
        estimate = estimate_metrics(counts, confidence)[metric] if n >= LEAST_LABELS else Estimate(None)
        rows.append(
            SegmentFigure(
                column=column,
                value=value or "(none)",
                n_labelled=n,
                n_positive=int(counts.n_positive.sum()),
                estimate=estimate,
                verdict=_compare(metric, estimate, overall, n),
            )
        )
    sign = -1 if metric.higher_is_better is False else 1
    rows.sort(key=lambda row: (row.estimate.value is None, sign * (row.estimate.value or 0.0), -row.n_labelled))
    return SegmentTable(metric=metric, rows=tuple(rows), n_left_out=len(found) - len(largest))


def list_segment_rows(rows: Sequence[SegmentFigure]) -> list[tuple[str, ...]]:
    """Give the segments as text, in the order of `COLUMNS`."""
    return [
        (
            f"{row.column}: {row.value}",
            write_estimate(row.estimate),
            row.verdict,
            f"{row.n_labelled:,}",
            write_share(row.n_positive / row.n_labelled) if row.n_labelled else "–",
        )
        for row in rows
    ]


def export_segments(rows: Sequence[SegmentFigure]) -> list[tuple[str, ...]]:
    """Give the segments as text for a file, in the order of `EXPORTED`; empty where there is no figure."""
    return [
        (
            row.column,
            row.value,
            *(write_number(one) for one in (row.estimate.value, row.estimate.low, row.estimate.high)),
            row.verdict,
            str(row.n_labelled),
            str(row.n_positive),
        )
        for row in rows
    ]


def name_order(metric: Metric) -> str:
    """Say how the segments are ordered: "Worst segments first"."""
    return "Segments, lowest first" if metric.higher_is_better is None else "Worst segments first"


def tell_segments(table: SegmentTable, version: str) -> str:
    """Say how the table is to be read, multiplicity included."""
    told = (
        f"{table.metric.label} of {version} in each segment. The intervals are widened so that all "
        f"{len(table.rows)} hold at once with 95 %, and resample blocks of time; below {LEAST_LABELS} labels "
        "nothing is said."
    )
    return told + (f" {table.n_left_out} smaller segments are left out." if table.n_left_out else "")


def _compare(metric: Metric, estimate: Estimate, overall: Estimate, n: int) -> str:
    """Say whether the whole interval lies on one side of the figure of all traffic."""
    if n < LEAST_LABELS:
        return "too few labels"
    if estimate.low is None or estimate.high is None or overall.value is None:
        return "undefined"
    if estimate.low <= overall.value <= estimate.high:
        return "undecided"
    is_above = estimate.low > overall.value
    if metric.higher_is_better is None:
        return "higher" if is_above else "lower"
    return "better" if is_above == metric.higher_is_better else "worse"
