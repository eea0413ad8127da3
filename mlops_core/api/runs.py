"""The routes of training runs: decides how runs are ordered, told, and cancelled."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from mlops_core.api.changes import Channel, Key, Text, name_local_user
from mlops_core.api.parameters import check_key, read_channel, read_span
from mlops_core.api.state import answer, answer_change
from mlops_core.entities import Actor
from mlops_core.runs import RunOrder
from mlops_core.services.retraining import cancel_run, get_history, order_run, read_run
from mlops_core.services.run_documents import describe_briefly, describe_run
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import get_model
from mlops_core.store.runs import MOST_RUNS

router = APIRouter()
Limit = Annotated[int, Query(ge=1, le=MOST_RUNS)]


class RetrainBody(BaseModel):
    """What a request for a training run says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Text
    window: Text | None = None
    """"A..B", null for all that is older than the rows of the gate."""
    candidates: list[Text] = []
    """Empty for all that the entry point names."""
    snapshot: Text | None = None
    """Rows of an earlier run, null to freeze new ones."""


class CancelBody(BaseModel):
    """What a request to cancel a run says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Text


@router.post("/models/{model}/retrain")
async def retrain(
    request: Request, model: str, body: RetrainBody, key: Key = None, channel: Channel = None
) -> Response:
    """Order a training run; it goes on when the answer is there."""
    order = RunOrder(
        model=model,
        reason=body.reason,
        actor=Actor(name_local_user(), read_channel(channel)),
        window=None if body.window is None else read_span(body.window, "window"),
        candidates=tuple(body.candidates),
        snapshot=body.snapshot,
        key=check_key(key),
    )
    return await answer_change(request, partial(_order, order=order), status=202)


@router.get("/models/{model}/runs")
async def get_runs(request: Request, model: str, limit: Limit = 50) -> Response:
    """List the newest runs of a model."""
    return await answer(request, partial(_list, model=model, limit=limit))


@router.get("/models/{model}/runs/{run}")
async def get_run(request: Request, model: str, run: int, log: Literal["true", "false"] = "false") -> Response:
    """Say where a run stands, and what came of it."""
    return await answer(request, partial(_read, model=model, run=run, with_log=log == "true"))


@router.post("/models/{model}/runs/{run}/cancel")
async def cancel(request: Request, model: str, run: int, body: CancelBody, channel: Channel = None) -> Response:
    """Cancel a run that is not over."""
    actor = Actor(name_local_user(), read_channel(channel))
    return await answer_change(request, partial(_cancel, model=model, run=run, reason=body.reason, actor=actor))


def _order(runtime: Runtime, order: RunOrder) -> dict[str, object]:
    spec = get_model(runtime.database, order.model)
    return _read(runtime, order.model, order_run(runtime, spec, order).id)


def _list(runtime: Runtime, model: str, limit: int) -> dict[str, object]:
    runs = get_history(runtime, get_model(runtime.database, model), limit, with_reports=True)
    return {"model": model, "runs": [describe_briefly(run) for run in runs]}


def _read(runtime: Runtime, model: str, run: int, *, with_log: bool = False) -> dict[str, object]:
    spec = get_model(runtime.database, model)
    return describe_run(spec, read_run(runtime, spec, run), with_log=with_log)


def _cancel(runtime: Runtime, model: str, run: int, reason: str, actor: Actor) -> dict[str, object]:
    cancel_run(runtime, get_model(runtime.database, model), run, actor=actor, reason=reason)
    return _read(runtime, model, run)
