"""The routes of retention: decides how what is kept is told and changed."""

from functools import partial

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from mlops_core.api.changes import Channel, Text, name_local_user
from mlops_core.api.parameters import read_channel
from mlops_core.api.state import answer, answer_change
from mlops_core.entities import Actor, Retention
from mlops_core.services.retention import RetentionPlan, plan_retention, set_retention
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import get_model
from mlops_core.store.retention import get_retention

router = APIRouter()


class RetentionBody(BaseModel):
    """What a request to change a retention says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    row_days: int | None
    """Null for ever."""
    profile_days: int | None
    """Null for ever."""
    snapshot_days: int | None = None
    """Null for ever; stays as it is when absent."""
    reason: Text
    dry_run: bool = False
    """Only say what would be deleted."""


@router.get("/models/{model}/retention")
async def get_model_retention(request: Request, model: str) -> Response:
    """Say how long a model's data is kept, and what is older."""
    return await answer(request, partial(_read, model=model))


@router.post("/models/{model}/retention")
async def set_model_retention(request: Request, model: str, body: RetentionBody, channel: Channel = None) -> Response:
    """Set how long a model's data is kept, and delete what is older."""
    actor = Actor(name_local_user(), read_channel(channel))
    return await answer_change(request, partial(_set, model=model, body=body, actor=actor))


def _read(runtime: Runtime, model: str) -> dict[str, object]:
    spec = get_model(runtime.database, model)
    plan = plan_retention(runtime, spec, get_retention(runtime.database, model), runtime.now(model))
    return _describe(model, plan, is_deleted=False)


def _set(runtime: Runtime, model: str, body: RetentionBody, actor: Actor) -> dict[str, object]:
    spec, now = get_model(runtime.database, model), runtime.now(model)
    known = get_retention(runtime.database, model).snapshot_days
    snapshot_days = body.snapshot_days if "snapshot_days" in body.model_fields_set else known
    retention = Retention(row_days=body.row_days, profile_days=body.profile_days, snapshot_days=snapshot_days)
    if body.dry_run:
        return _describe(model, plan_retention(runtime, spec, retention, now), is_deleted=False)
    with runtime.schedule.turn:
        plan = set_retention(runtime, spec, retention, actor=actor, reason=body.reason, now=now)
    return _describe(model, plan, is_deleted=True)


def _describe(model: str, plan: RetentionPlan, *, is_deleted: bool) -> dict[str, object]:
    return {
        "model": model,
        "row_days": plan.retention.row_days,
        "profile_days": plan.retention.profile_days,
        "snapshot_days": plan.retention.snapshot_days,
        "rows_from": plan.rows_from,
        "profiles_from": plan.profiles_from,
        "old": plan.old,
        "snapshots": plan.snapshots,
        "deleted": is_deleted,
    }
