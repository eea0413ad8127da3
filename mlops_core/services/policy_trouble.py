"""What a policy could not carry out: decides for how long that counts, and how it is told."""

from datetime import datetime

from mlops_core.entities import ModelSpec
from mlops_core.policy import decide
from mlops_core.policy_records import Decision, PolicyDecision
from mlops_core.policy_words import tell_moment
from mlops_core.services.automation import name_decision, read_facts
from mlops_core.services.policy_rollback import ask_rollback
from mlops_core.services.runtime import Runtime
from mlops_core.store.policy_decisions import list_policy_decisions


def find_trouble(runtime: Runtime, spec: ModelSpec, now: datetime) -> PolicyDecision | None:
    """Give the newest decision that could not be carried out and would be made again now; None without one."""
    troubled = [made for made in list_policy_decisions(runtime.database, spec.name) if made.trouble]
    keys = _list_keys(runtime, spec, now) if troubled else set()
    return next((made for made in troubled if made.key in keys), None)


def _list_keys(runtime: Runtime, spec: ModelSpec, now: datetime) -> set[str]:
    """Give the keys of what the policy would do now."""
    back, _ = ask_rollback(runtime, spec, now)
    asked = decide(spec.policy, read_facts(runtime, spec, now))
    keys = {back.key} if back else set()
    return keys | ({name_decision(asked)} if asked.decision is Decision.RETRAIN else set())


def tell_trouble(made: PolicyDecision) -> str:
    """Say what a policy could not carry out, and why."""
    what = "A rollback" if made.decision is Decision.ROLL_BACK else "A training run"
    done = "carried out" if made.decision is Decision.ROLL_BACK else "ordered"
    return (
        f"{what} that the policy asked for on {tell_moment(made.at)} could not be {done}: "
        f"{made.trouble.removesuffix('.')}. It is tried again with each check."
    )
