"""The proposed contract: decides what a reference and earlier deliveries make usual, and how far beyond is accepted."""

from collections.abc import Sequence
from datetime import timedelta
from math import isfinite, sqrt

from mlops_core.contracts import FeatureKind, FeatureTerms, TrafficTerms
from mlops_core.stats.features import FeatureCounts

NULL_MARGIN = 0.1
RANGE_MARGIN = 0.25
"""Of the width of the reference's range, on both sides: a reference seldom saw every season."""
NEVER_NEGATIVE = 10_000
"""So many values without a negative one, or a lowest value of 0, say that there will be none."""
MOST_UNSEEN = 0.02
AGE_FACTOR = 1.5
"""How many times the usual longest wait for the next delivery is accepted."""
LEAST_AGE_HOURS = 1.0
LEAST_DELIVERIES = 5


def propose_terms(feature: str, counts: FeatureCounts, categories: Sequence[str] | None) -> FeatureTerms:
    """Propose what to ask of a feature.

    Rows are empty together (a source fails for hours), so the share of one chunk scatters by up to the deviation
    of a single row: √(p(1 − p)) for a share p of the reference. That, and a tenth, is accepted on top of p.

    Parameters
    ----------
    counts : FeatureCounts
        Of the reference, all its chunks together.
    categories : sequence of str or None
        The category of each bin from 0 on; None for a number.
    """
    share = float(counts.n_null[0] / counts.n[0]) if counts.n[0] else 1.0
    most_null = round(min(1.0, share + sqrt(share * (1 - share)) + NULL_MARGIN), 2)
    if categories is not None:
        known = tuple(categories[i] for i in sorted({int(b) for b in counts.bins if 0 <= b < len(categories)}))
        return FeatureTerms(
            feature=feature,
            kind=FeatureKind.CATEGORY,
            most_null=most_null,
            categories=known,
            most_unseen=MOST_UNSEEN,
        )
    low, high = _widen(float(counts.minimum[0]), float(counts.maximum[0]), int(counts.n[0] - counts.n_null[0]))
    return FeatureTerms(feature=feature, kind=FeatureKind.NUMBER, most_null=most_null, minimum=low, maximum=high)


def propose_traffic(longest: Sequence[timedelta], n_waits: int) -> TrafficTerms:
    """Propose what to ask of all rows together.

    Nights and weekends without traffic come again and again, an outage hopefully once: so the second longest wait of
    the last weeks is what is usual.

    Parameters
    ----------
    longest : sequence of timedelta
        How old the newest row was when the next delivery came: the longest such waits of the last weeks, longest first.
    n_waits : int
        How many there were.
    """
    if n_waits < LEAST_DELIVERIES:
        return TrafficTerms()
    hours = AGE_FACTOR * longest[1].total_seconds() / 3600
    return TrafficTerms(most_age_hours=round(max(hours, LEAST_AGE_HOURS), 1))


def _widen(low: float, high: float, n: int) -> tuple[float | None, float | None]:
    """Widen a range; what is surely never negative stays so. A reference without values sets no limit."""
    if not (isfinite(low) and isfinite(high)):
        return None, None
    margin = RANGE_MARGIN * (high - low) if high > low else max(abs(high), 1.0) * RANGE_MARGIN
    if not isfinite(margin):
        return None, None
    is_positive = low == 0 or (low > 0 and n >= NEVER_NEGATIVE)
    return _shorten(max(low - margin, 0.0) if is_positive else low - margin), _shorten(high + margin)


def _shorten(value: float) -> float:
    """Round to four digits, which a person can read and edit."""
    return float(f"{value:.4g}")
