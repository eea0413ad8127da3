"""Models side by side: decides which of them needs attention first, from stored verdicts and runs alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mlops_core.checks.attention import URGENCY, find_gravest
from mlops_core.entities import ModelSpec, Status
from mlops_core.services.run_attention import find_newest_run, needs_attention, tell_failed_run
from mlops_core.services.runtime import Runtime
from mlops_core.store.deployments import get_champion
from mlops_core.store.profiles import get_refreshed
from mlops_core.store.verdicts import list_standing_verdicts

NOTHING_SERVES = "Nothing is in production."
NOTHING_SAID = "Its standard was not checked yet."
EXPORTED = ("model", "status", "in_production", "why", "since", "last_check")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelState:
    """One model as its checks see it."""

    model: str
    champion: str | None
    """None when nothing is in production."""
    status: Status
    reason: str
    """Of the gravest verdict, else of a training run that failed, else why there is none."""
    since: datetime | None
    """When that verdict came, or that run was ordered; None without either."""
    checked_at: datetime | None
    """When it was last counted and checked; None when never."""


def list_states(runtime: Runtime, specs: Sequence[ModelSpec]) -> list[ModelState]:
    """Give the state of each model, the most urgent first, then by name."""
    states = [_read_state(runtime, spec) for spec in specs]
    return sorted(states, key=lambda state: (URGENCY.index(state.status), state.model))


def tell_attention(states: Sequence[ModelState]) -> str:
    """Say how many models need attention: "1 of 3 models needs attention"."""
    n = sum(state.status in (Status.ALERT, Status.WARNING) for state in states)
    if n == 0:
        return f"None of {len(states)} models needs attention"
    return f"{n} of {len(states)} models {'needs' if n == 1 else 'need'} attention"


def export_states(states: Sequence[ModelState]) -> list[tuple[str, ...]]:
    """Give the states for a file, in the order of `EXPORTED`: times in full, empty where there is nothing."""
    return [
        (
            state.model,
            state.status.value,
            state.champion or "",
            state.reason,
            *(at.isoformat() if at else "" for at in (state.since, state.checked_at)),
        )
        for state in states
    ]


def _read_state(runtime: Runtime, spec: ModelSpec) -> ModelState:
    champion, run = get_champion(runtime.database, spec.name), find_newest_run(runtime, spec)
    gravest = None
    if champion:
        standing = list_standing_verdicts(runtime.database, spec.name, champion.at)
        verdicts = [verdict for verdict in standing if verdict.version == champion.version]
        gravest = find_gravest(verdicts, spec.primary_metric)
    said = (gravest.status, gravest.reason, gravest.at) if gravest else None
    if run and needs_attention(run) and (said is None or said[0] not in (Status.ALERT, Status.WARNING)):
        said = (Status.WARNING, tell_failed_run(run), run.at)
    status, reason, since = said or (Status.INSUFFICIENT_DATA, NOTHING_SAID if champion else NOTHING_SERVES, None)
    return ModelState(
        model=spec.name,
        champion=champion.version if champion else None,
        status=status,
        reason=reason,
        since=since,
        checked_at=get_refreshed(runtime.database, spec.name),
    )
