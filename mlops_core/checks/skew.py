"""Training–serving skew: decides when a feature is empty in live traffic that was filled in training."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from mlops_core.entities import Status, Verdict
from mlops_core.words import write_share

LEAST_ROWS = 200
ALERT_DIFFERENCE = 0.5
"""Rise of the null share, live over training, that is an alert; weather and gaps stay below it."""


def check_null_skew(
    features: Sequence[str],
    trained: Mapping[str, float],
    n: int,
    nulls: Mapping[str, int],
    *,
    model: str,
    version: str,
    now: datetime,
) -> list[Verdict]:
    """Compare each feature's null share in recent traffic with its share in the version's training rows.

    Parameters
    ----------
    trained : mapping
        Null fraction in training by feature, 0–1.
    n : int
        Rows of recent traffic.
    nulls : mapping
        Null rows of recent traffic by feature.
    """
    verdicts = []
    for feature in features:
        before = trained[feature]
        share = nulls.get(feature, 0) / n if n else 0.0
        if n < LEAST_ROWS:
            status, reason = Status.INSUFFICIENT_DATA, f"{n:,} rows; {LEAST_ROWS} are needed."
        else:
            status = Status.ALERT if share - before >= ALERT_DIFFERENCE else Status.OK
            reason = (
                f"{feature} is empty in {write_share(share)} of live traffic, in training in {write_share(before)}."
            )
        verdicts.append(
            Verdict(
                code="skew.null_fraction",
                model=model,
                version=version,
                subject=feature,
                status=status,
                reason=reason,
                evidence={"n": n, "null_fraction": share, "null_fraction_trained": before},
                at=now,
            )
        )
    return verdicts
