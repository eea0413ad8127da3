"""Performance against its standard: decides which chunks count as labelled and when a standard is broken."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from mlops_core.entities import Estimate, Standard, Status, Verdict

LEAST_LABELS = 200
LEAST_LABELS_FOR_ALERT = 500
LEAST_COVERAGE = 0.9
"""Share of the coverage expected of a grown-up chunk, to be judged."""
LEAST_PAIRED_COVERAGE = 0.5
"""The same for a comparison on the same rows, which both versions see with the same gaps."""


def expect_coverage(n: np.ndarray, n_labelled: np.ndarray, is_grown_up: np.ndarray) -> float:
    """Give the label coverage that a chunk reaches in the end: the median of those old enough, else 1.

    Parameters
    ----------
    n, n_labelled : np.ndarray
        Rows and labelled rows per chunk, shape (k,).
    is_grown_up : np.ndarray
        Whether the chunk is older than the label delay, bool, shape (k,).
    """
    chosen = is_grown_up & (n > 0) & (n_labelled > 0)
    if not chosen.any():
        return 1.0
    return float(np.median(n_labelled[chosen] / n[chosen]))


def find_covered(
    n: np.ndarray, n_labelled: np.ndarray, expected_coverage: float, least: float = LEAST_COVERAGE
) -> np.ndarray:
    """Say for each chunk whether at least this share of its labels has arrived, bool, shape (k,)."""
    return (n > 0) & (n_labelled >= least * expected_coverage * n)


def judge_standard(standard: Standard, estimate: Estimate, n_labelled: int, is_covered: bool) -> tuple[Status, str]:
    """Compare one figure with its standard.

    Returns
    -------
    status : Status
        ALERT when the whole interval breaks the standard, with enough labels; WARNING when only the value does.
    reason : str
        Why, with the figures.
    """
    label = standard.metric.label
    if n_labelled < LEAST_LABELS:
        return Status.INSUFFICIENT_DATA, f"{n_labelled:,} labels; {LEAST_LABELS} are needed."
    if estimate.value is None:
        return (
            Status.INSUFFICIENT_DATA,
            f"{label} is undefined: the labels or predictions have one class only.",
        )
    limit = describe_limit(standard)
    if standard.is_kept_by(estimate.value):
        return Status.OK, f"{label} {estimate.value:.3f} keeps the standard ({limit})."
    ends = [end for end in (estimate.low, estimate.high) if end is not None]
    certain = len(ends) == 2 and not any(standard.is_kept_by(end) for end in ends)
    if certain and is_covered and n_labelled >= LEAST_LABELS_FOR_ALERT:
        return (
            Status.ALERT,
            f"{label} {estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}] breaks the standard ({limit}).",
        )
    why = "the interval reaches it"
    if certain:
        why = "not all labels are here yet" if not is_covered else f"an alert needs {LEAST_LABELS_FOR_ALERT} labels"
    return Status.WARNING, f"{label} {estimate.value:.3f} breaks the standard ({limit}), but {why}."


def judge_estimate(
    standard: Standard, estimate: Estimate | None, n: int, *, are_labels_here: bool
) -> tuple[Status, str]:
    """Compare an estimated figure with its standard; an estimate alone never makes an ALERT.

    Parameters
    ----------
    estimate : Estimate, optional
        None when there is nothing to estimate from, or the metric cannot be estimated.
    n : int
        Rows, labelled or not.
    are_labels_here : bool
        Whether the labels of all these rows have arrived, so that the realised figure says more.
    """
    label = standard.metric.label
    if are_labels_here:
        return Status.OK, f"The labels are here, so {label} need not be estimated."
    if n < LEAST_LABELS:
        return Status.INSUFFICIENT_DATA, f"{n:,} rows to estimate {label} from; {LEAST_LABELS} are needed."
    if estimate is None or estimate.value is None:
        return Status.INSUFFICIENT_DATA, f"{label} cannot be estimated: no labelled reference rows tell it."
    limit = describe_limit(standard)
    if standard.is_kept_by(estimate.value):
        return Status.OK, f"{label} is estimated at {estimate.value:.3f}, which keeps the standard ({limit})."
    return (
        Status.WARNING,
        f"{label} is estimated at {estimate.value:.3f}, which breaks the standard ({limit}); labels are to come.",
    )


def check_standard(
    standard: Standard,
    estimate: Estimate,
    *,
    model: str,
    version: str,
    n: int,
    n_labelled: int,
    chunks: tuple[datetime, ...],
    now: datetime,
) -> Verdict:
    """Judge the champion's last labelled chunks against a standard."""
    status, reason = judge_standard(standard, estimate, n_labelled, is_covered=True)
    evidence: Mapping[str, object] = {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "minimum": standard.minimum,
        "maximum": standard.maximum,
        "n": n,
        "n_labelled": n_labelled,
        "chunks": [chunk.isoformat() for chunk in chunks],
    }
    return Verdict(
        code="performance.standard",
        model=model,
        version=version,
        subject=standard.metric.value,
        status=status,
        reason=reason,
        evidence=evidence,
        at=now,
    )


def check_estimate(
    standard: Standard,
    estimate: Estimate | None,
    *,
    model: str,
    version: str,
    n: int,
    chunks: tuple[datetime, ...],
    are_labels_here: bool,
    reference: Mapping[str, object],
    now: datetime,
) -> Verdict:
    """Judge the champion's newest chunks against a standard before their labels are here.

    Parameters
    ----------
    reference : mapping
        What the estimate rests on, kept with the verdict.
    """
    status, reason = judge_estimate(standard, estimate, n, are_labels_here=are_labels_here)
    found = estimate or Estimate(None)
    return Verdict(
        code="performance.estimate",
        model=model,
        version=version,
        subject=standard.metric.value,
        status=status,
        reason=reason,
        evidence={
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "minimum": standard.minimum,
            "maximum": standard.maximum,
            "n": n,
            "chunks": [chunk.isoformat() for chunk in chunks],
            "reference": dict(reference),
        },
        at=now,
    )


def describe_limit(standard: Standard) -> str:
    """Say what the standard asks, as in "at least 0.25"."""
    parts = [
        f"{word} {value:g}"
        for word, value in (("at least", standard.minimum), ("at most", standard.maximum))
        if value is not None
    ]
    return " and ".join(parts)
