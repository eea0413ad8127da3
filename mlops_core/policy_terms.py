"""Policies in a model file: decides what may start a run by itself, how often, and when production is changed then."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mlops_core.errors import InputError
from mlops_core.sections import read_choice, read_number, refuse_unknown_keys

MOST_DAYS, LEAST_DAYS = 3650.0, 1 / 24
MOST_LABELS, MOST_BUDGET = 10**12, 10_000
VERDICT_CODES = (
    "performance.standard",
    "performance.estimate",
    "drift.feature",
    "quality.schema",
    "quality.null_fraction",
    "quality.range",
    "quality.unseen",
    "quality.infinite",
    "quality.volume",
    "quality.freshness",
    "quality.duplicates",
    "quality.refused",
    "skew.null_fraction",
    "skew.constant",
    "skew.range",
)
"""What a verdict that starts a run may be about. That the wrong version answers is mended by no training."""


class Least(StrEnum):
    """The mildest status that counts."""

    WARNING = "WARNING"
    ALERT = "ALERT"


class Promotion(StrEnum):
    """How a trained version gets into production."""

    BY_HAND = "by hand"
    WHEN_PASSED = "when it passes the gate"


class Rollback(StrEnum):
    """How a version that breaks a standard leaves production."""

    BY_HAND = "by hand"
    WHEN_BETTER = "when the version before is better"


@dataclass(frozen=True, slots=True)
class VerdictTrigger:
    """A verdict that starts a run while it stands."""

    code: str
    """One of VERDICT_CODES."""
    least: Least


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many runs may be started in some days, which end now."""

    runs: int = 4
    days: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When new versions of a model are trained by themselves, and production is changed; unless said, never."""

    verdicts: tuple[VerdictTrigger, ...] = ()
    new_labels: int | None = None
    """Labels since the last training that start a run; None when they start none."""
    every_days: float | None = None
    """Days after the last training at which a run is started; None when there is no schedule."""
    cooldown_days: float = 1.0
    """Days after any run in which none is started, and after a change of production in which none is rolled back."""
    budget: Budget = Budget()
    promote: Promotion = Promotion.BY_HAND
    roll_back: Rollback = Rollback.BY_HAND
    alert_days: float = 1.0
    """Days that an alert on a standard must stand before production is rolled back."""

    @property
    def has_triggers(self) -> bool:
        """Say whether anything starts a run."""
        return bool(self.verdicts) or self.new_labels is not None or self.every_days is not None

    @property
    def rolls_back(self) -> bool:
        """Say whether production may be rolled back by itself."""
        return self.roll_back is not Rollback.BY_HAND


def read_policy(section: object) -> Policy:
    """Read the section [policy].

    Raises
    ------
    InputError
        When it says something that is not understood.
    """
    if not isinstance(section, Mapping):
        raise InputError(f"The policy is {section!r}; accepted is a section [policy].")
    refuse_unknown_keys(section, frozenset(Policy.__dataclass_fields__), "The section [policy]")
    usual = Policy()
    labels, days = section.get("new_labels"), section.get("every_days")
    return Policy(
        verdicts=_read_verdicts(section.get("verdicts", {})),
        new_labels=None if labels is None else _read_whole(labels, "new_labels", MOST_LABELS),
        every_days=None if days is None else read_number(days, "every_days", LEAST_DAYS, MOST_DAYS),
        cooldown_days=read_number(section.get("cooldown_days", usual.cooldown_days), "cooldown_days", 0.0, MOST_DAYS),
        budget=_read_budget(section.get("budget", {})),
        promote=read_choice(Promotion, section.get("promote", usual.promote), "promote of [policy]"),
        roll_back=read_choice(Rollback, section.get("roll_back", usual.roll_back), "roll_back of [policy]"),
        alert_days=read_number(section.get("alert_days", usual.alert_days), "alert_days", 0.0, MOST_DAYS),
    )


def write_policy(policy: Policy) -> str:
    """Write a policy as the section that `read_policy` reads; what is off is left out."""
    lines = ["[policy]"]
    if policy.verdicts:
        entries = ", ".join(f'"{one.code}" = "{one.least.value}"' for one in policy.verdicts)
        lines.append(f"verdicts = {{ {entries} }}")
    if policy.new_labels is not None:
        lines.append(f"new_labels = {policy.new_labels}")
    if policy.every_days is not None:
        lines.append(f"every_days = {_write_number(policy.every_days)}")
    lines.append(f"cooldown_days = {_write_number(policy.cooldown_days)}")
    lines.append(f"budget = {{ runs = {policy.budget.runs}, days = {_write_number(policy.budget.days)} }}")
    lines.append(f'promote = "{policy.promote.value}"')
    if policy.rolls_back:
        lines.append(f'roll_back = "{policy.roll_back.value}"')
        lines.append(f"alert_days = {_write_number(policy.alert_days)}")
    return "\n".join(lines) + "\n"


def _read_verdicts(value: object) -> tuple[VerdictTrigger, ...]:
    if not isinstance(value, Mapping):
        raise InputError(
            f"The verdicts of [policy] are {value!r}; accepted is a table such as "
            '{ "performance.standard" = "ALERT" }.'
        )
    refuse_unknown_keys(value, frozenset(VERDICT_CODES), "The table verdicts of [policy]")
    return tuple(VerdictTrigger(code, read_choice(Least, least, f"status of {code}")) for code, least in value.items())


def _read_budget(value: object) -> Budget:
    if not isinstance(value, Mapping):
        raise InputError(f"The budget of [policy] is {value!r}; accepted is a table such as {{ runs = 4, days = 30 }}.")
    refuse_unknown_keys(value, frozenset(Budget.__dataclass_fields__), "The budget of [policy]")
    usual = Budget()
    return Budget(
        runs=_read_whole(value.get("runs", usual.runs), "budget runs", MOST_BUDGET),
        days=read_number(value.get("days", usual.days), "budget days", LEAST_DAYS, MOST_DAYS),
    )


def _read_whole(value: object, key: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InputError(f"The {key} {value!r} is not accepted: a whole number from 1 to {most:,}.")
    return value


def _write_number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
