"""Training rows before training: decides which of them are no reason to worry, and which features are suspects."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mlops_core.contracts import Contract, FeatureTerms
from mlops_core.entities import Status
from mlops_core.words import write_share, write_value

SUSPICIOUS_AREA = 0.85
"""Area under the ROC curve of one feature alone from which on it may be known only after the fact."""
MOST_NULL_GAP = 0.5
"""How much more often a feature may be empty when serving than when training."""
LEAST_COVERAGE = 0.5
"""Share of the rows of the span that should have a label."""
LEAST_SHARE = 0.01
"""Share of the rarer class below which a warning is given."""
GREAT_SHIFT = 0.2
"""PSI between two snapshots from which on a warning is given."""


class TrainingCheck(StrEnum):
    """What is checked before training; the values are stable codes."""

    NULLS = "training.null_fraction"
    RANGE = "training.range"
    UNSEEN = "training.unseen"
    COVERAGE = "training.label_coverage"
    BALANCE = "training.class_balance"
    SHIFT = "training.shift"
    TELLS_LABEL = "leakage.tells_label"
    EMPTY_WHEN_SERVED = "leakage.empty_when_served"

    @property
    def is_suspicion(self) -> bool:
        """Say whether a finding is a reason for the gate to refuse a version that reads the feature."""
        return self in (TrainingCheck.TELLS_LABEL, TrainingCheck.EMPTY_WHEN_SERVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFinding:
    """What one check says of the training rows, or of one of their features."""

    check: TrainingCheck
    feature: str | None
    """None for a check of all rows together."""
    value: float | None
    """In the units of the check; None when it could not be computed."""
    limit: float | None
    status: Status
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSummary:
    """One feature of the training rows."""

    feature: str
    null_fraction: float
    """0–1."""
    served_null_fraction: float | None
    """The same in the newest traffic; None when there is none."""
    area: float | None
    """How well it alone tells the label, as `separate_by_groups` measures it; None when it cannot be said."""
    psi: float | None
    """Its shift since the snapshot before; None when there is none."""
    minimum: float | None = None
    """Smallest value; None for categories."""
    maximum: float | None = None
    unseen_fraction: float | None = None
    """Share of values that the contract does not name, 0–1; None for numbers, and without terms."""


def check_training_rows(
    summaries: Sequence[FeatureSummary], contract: Contract, *, n_logged: int, n_labelled: int, positive_share: float
) -> list[TrainingFinding]:
    """Judge the rows that a run is about to learn from; only what is not OK is given, suspicions first.

    Parameters
    ----------
    n_logged : int
        Rows of the span, labelled or not.
    n_labelled : int
        Those of them that have a label.
    positive_share : float
        Of the labelled rows, 0–1.
    """
    found = [*_check_coverage(n_logged, n_labelled), *_check_balance(positive_share)]
    for summary in summaries:
        found += _check_leakage(summary)
        found += _check_shift(summary)
        terms = contract.get_terms(summary.feature)
        found += _check_contract(summary, terms) if terms else []
    return sorted(found, key=lambda finding: not finding.check.is_suspicion)


def _warn(
    check: TrainingCheck, feature: str | None, value: float, limit: float, reason: str, status: Status = Status.WARNING
) -> TrainingFinding:
    return TrainingFinding(check=check, feature=feature, value=value, limit=limit, status=status, reason=reason)


def _check_leakage(summary: FeatureSummary) -> list[TrainingFinding]:
    found, name = [], summary.feature
    if summary.area is not None and summary.area >= SUSPICIOUS_AREA:
        reason = (
            f"{name} alone tells the label with a ROC AUC of {write_value(summary.area)} "
            f"(suspicious from {write_value(SUSPICIOUS_AREA)}): is it known before the label is?"
        )
        found.append(_warn(TrainingCheck.TELLS_LABEL, name, summary.area, SUSPICIOUS_AREA, reason, Status.ALERT))
    served = summary.served_null_fraction
    if served is not None and served - summary.null_fraction >= MOST_NULL_GAP:
        reason = (
            f"{name} is empty in {write_share(summary.null_fraction)} of the training rows, but in "
            f"{write_share(served)} of those that are served: a version would learn from what it never gets."
        )
        gap = served - summary.null_fraction
        found.append(_warn(TrainingCheck.EMPTY_WHEN_SERVED, name, gap, MOST_NULL_GAP, reason, Status.ALERT))
    return found


def _check_shift(summary: FeatureSummary) -> list[TrainingFinding]:
    if summary.psi is None or summary.psi < GREAT_SHIFT:
        return []
    reason = f"{summary.feature} has moved since the snapshot before: PSI {write_value(summary.psi)}."
    return [_warn(TrainingCheck.SHIFT, summary.feature, summary.psi, GREAT_SHIFT, reason)]


def _check_contract(summary: FeatureSummary, terms: FeatureTerms) -> list[TrainingFinding]:
    found, name = [], summary.feature
    if summary.null_fraction > terms.most_null:
        reason = (
            f"{name} is empty in {write_share(summary.null_fraction)} of the rows; "
            f"the contract accepts {write_share(terms.most_null)}."
        )
        found.append(_warn(TrainingCheck.NULLS, name, summary.null_fraction, terms.most_null, reason))
    below = terms.minimum is not None and summary.minimum is not None and summary.minimum < terms.minimum
    above = terms.maximum is not None and summary.maximum is not None and summary.maximum > terms.maximum
    for is_beyond, value, limit in ((below, summary.minimum, terms.minimum), (above, summary.maximum, terms.maximum)):
        if is_beyond and value is not None and limit is not None:
            reason = f"{name} reaches {value:g}; the contract accepts {limit:g}."
            found.append(_warn(TrainingCheck.RANGE, name, value, limit, reason))
    if summary.unseen_fraction is not None and summary.unseen_fraction > (terms.most_unseen or 0.0):
        reason = f"{write_share(summary.unseen_fraction)} of the values of {name} are not named by the contract."
        found.append(_warn(TrainingCheck.UNSEEN, name, summary.unseen_fraction, terms.most_unseen or 0.0, reason))
    return found


def _check_coverage(n_logged: int, n_labelled: int) -> list[TrainingFinding]:
    coverage = n_labelled / n_logged if n_logged else 0.0
    if coverage >= LEAST_COVERAGE:
        return []
    reason = f"{n_labelled:,} of {n_logged:,} rows have a label ({write_share(coverage)}); more may have come later."
    return [_warn(TrainingCheck.COVERAGE, None, coverage, LEAST_COVERAGE, reason)]


def _check_balance(positive_share: float) -> list[TrainingFinding]:
    rarer = min(positive_share, 1 - positive_share)
    if rarer >= LEAST_SHARE:
        return []
    reason = f"The rarer class has {write_share(rarer)} of the rows."
    return [_warn(TrainingCheck.BALANCE, None, rarer, LEAST_SHARE, reason)]
