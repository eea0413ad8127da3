"""Which model needs attention: decides what all checks of one model say together."""

from collections.abc import Sequence

from mlops_core.entities import Metric, Status, Verdict

URGENCY = (Status.ALERT, Status.WARNING, Status.INSUFFICIENT_DATA, Status.OK)
"""The most urgent first."""


def find_gravest(verdicts: Sequence[Verdict], metric: Metric) -> Verdict | None:
    """Find the verdict that a model is to be judged by.

    An alert comes before a warning, the longest standing first; without either it is the verdict on the standard of
    the primary metric. None while nothing was said about that.
    """
    for status in (Status.ALERT, Status.WARNING):
        found = [verdict for verdict in verdicts if verdict.status is status]
        if found:
            return min(found, key=lambda verdict: (verdict.at, verdict.code, verdict.subject))
    standard = ("performance.standard", metric.value)
    return next((verdict for verdict in verdicts if (verdict.code, verdict.subject) == standard), None)
