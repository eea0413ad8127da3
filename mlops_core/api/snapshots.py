"""The routes of snapshots: decides how training rows are listed and compared, and how a prediction is erased."""

from functools import partial

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from mlops_core.api.changes import Channel, Text, name_local_user
from mlops_core.api.parameters import read_channel
from mlops_core.api.state import answer, answer_change, answer_in_turn
from mlops_core.entities import Actor
from mlops_core.services.background import Progress
from mlops_core.services.erasure import Erasure, erase_prediction, plan_erasure
from mlops_core.services.runtime import Runtime
from mlops_core.services.snapshot_difference import report_difference
from mlops_core.services.snapshot_records import report_snapshots
from mlops_core.store.models import get_model

router = APIRouter()


class ErasureBody(BaseModel):
    """What a request to erase a prediction says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    prediction_id: Text
    reason: Text
    dry_run: bool = False
    """Only say what would be erased."""


@router.get("/models/{model}/snapshots")
async def get_snapshots(request: Request, model: str) -> Response:
    """List a model's snapshots."""
    return await answer(request, lambda runtime: report_snapshots(runtime, get_model(runtime.database, model)))


@router.get("/models/{model}/snapshots/difference")
async def get_snapshot_difference(request: Request, model: str, first: str, second: str) -> Response:
    """Compare the rows of two snapshots."""

    def report(runtime: Runtime, progress: Progress) -> dict[str, object]:
        return report_difference(runtime, get_model(runtime.database, model), first, second, progress)

    return await answer_in_turn(request, report)


@router.post("/models/{model}/erase")
async def erase(request: Request, model: str, body: ErasureBody, channel: Channel = None) -> Response:
    """Erase one prediction from a model's rows and snapshots."""
    actor = Actor(name_local_user(), read_channel(channel))
    return await answer_change(request, partial(_erase, model=model, body=body, actor=actor))


def _erase(runtime: Runtime, model: str, body: ErasureBody, actor: Actor) -> dict[str, object]:
    spec = get_model(runtime.database, model)
    if body.dry_run:
        return _describe(plan_erasure(runtime, spec, body.prediction_id))
    with runtime.schedule.turn:
        done = erase_prediction(
            runtime, spec, body.prediction_id, actor=actor, reason=body.reason, now=runtime.now(model)
        )
    return _describe(done)


def _describe(erasure: Erasure) -> dict[str, object]:
    return {
        "model": erasure.model,
        "prediction_sha256": erasure.digest,
        "erased_at": erasure.erased_at,
        "rows": erasure.rows,
        "snapshots": [{"id": one.snapshot, "content": one.content, "rows": one.rows} for one in erasure.files],
    }
