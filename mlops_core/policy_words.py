"""Policies in words: decides how their terms, and the verdicts, days, and instants of their reasons, are told."""

from collections.abc import Sequence
from datetime import datetime

from mlops_core.entities import Verdict
from mlops_core.policy_terms import Least, Policy, Promotion
from mlops_core.words import join_names, write_instant

MOST_NAMED = 3
"""Verdicts that a sentence names."""


def tell_verdicts(verdicts: Sequence[Verdict]) -> str:
    """Say which checks complain of what, and since when."""
    named = [f"{one.subject} ({one.code}, {one.status.value.lower()})" for one in verdicts[:MOST_NAMED]]
    if len(verdicts) > MOST_NAMED:
        named.append(f"{len(verdicts) - MOST_NAMED:,} more")
    since = min(one.at for one in verdicts)
    return f"{'A check complains' if len(verdicts) == 1 else 'Checks complain'} of {join_names(named)}, " + (
        f"since {tell_moment(since)}." if len(verdicts) == 1 else f"the first since {tell_moment(since)}."
    )


def count_days(days: float) -> str:
    """Write a number of days."""
    return f"{days:g} day{'s' * (days != 1)}"


def tell_moment(moment: datetime) -> str:
    """Write an instant with its time zone."""
    return f"{write_instant(moment)} UTC"


def describe_policy(policy: Policy) -> list[str]:
    """Say a policy in sentences."""
    if not policy.has_triggers:
        told = ["No run is started by itself; people start them."]
    else:
        told = [f"A run is started {', or '.join(_list_triggers(policy))}."]
        pause = f"within {count_days(policy.cooldown_days)} of another, and not " if policy.cooldown_days else ""
        told.append(f"Not {pause}more than {policy.budget.runs:,} times in {count_days(policy.budget.days)}.")
    if policy.promote is Promotion.WHEN_PASSED:
        told.append("A version that passes the gate is promoted by itself.")
    else:
        told.append("A version that passes the gate becomes the challenger; people promote it.")
    return [*told, _describe_rollback(policy)]


def _list_triggers(policy: Policy) -> list[str]:
    words = []
    for least in Least:
        codes = [one.code for one in policy.verdicts if one.least is least]
        named = "an alert" if least is Least.ALERT else "a warning or an alert"
        words += [f"while {' or '.join(codes)} says {named}"] if codes else []
    if policy.new_labels is not None:
        words.append(f"when {policy.new_labels:,} labels have come since the last training")
    if policy.every_days is not None:
        words.append(f"{count_days(policy.every_days)} after the last training or run")
    return words


def _describe_rollback(policy: Policy) -> str:
    if not policy.rolls_back:
        return "People roll production back."
    stands = f" for {count_days(policy.alert_days)}" if policy.alert_days else ""
    pause = f", and not within {count_days(policy.cooldown_days)} of a change" if policy.cooldown_days else ""
    return (
        f"When a standard is in alert{stands}, and the version before is better on the same rows, production is rolled "
        f"back to it by itself, once{pause}."
    )
