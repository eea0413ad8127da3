"""The audit log as people read it."""

from mlops_core.entities import AuditEvent, ModelSpec
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import find_broken_line, list_audit_events

MOST_LINES = 1000


def read_activity(runtime: Runtime, spec: ModelSpec) -> list[AuditEvent]:
    """Give the newest lines of one model, newest first."""
    return list_audit_events(runtime.database, spec.name, MOST_LINES)


def verify_chain(runtime: Runtime) -> int | None:
    """Give the first line that was changed or whose predecessor is gone; None when the chain holds."""
    return find_broken_line(runtime.database)
