"""The routes of the challenger: decides how it is told, made, and ended."""

from functools import partial

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from mlops_core.api.changes import Channel, Text, name_local_user
from mlops_core.api.parameters import read_channel
from mlops_core.api.state import answer, answer_change
from mlops_core.entities import Actor
from mlops_core.services.challengers import make_challenger, stop_challenger
from mlops_core.services.runtime import Runtime
from mlops_core.services.shadow_words import report_shadow
from mlops_core.store.models import get_model

router = APIRouter()


class ChallengerBody(BaseModel):
    """What a request to make or end a challenger says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Text | None
    """The version that scores from now on, or null for none."""
    reason: Text


@router.get("/models/{model}/challenger")
async def get_challenger(request: Request, model: str) -> Response:
    """Say which version scores in the shadow of the one in production, and how it does."""
    return await answer(request, lambda runtime: report_shadow(runtime, get_model(runtime.database, model)))


@router.post("/models/{model}/challenger")
async def set_challenger(request: Request, model: str, body: ChallengerBody, channel: Channel = None) -> Response:
    """Make a version the challenger, or end its shadow."""
    actor = Actor(name_local_user(), read_channel(channel))
    return await answer_change(request, partial(_set, model=model, body=body, actor=actor))


def _set(runtime: Runtime, model: str, body: ChallengerBody, actor: Actor) -> dict[str, object]:
    spec, now = get_model(runtime.database, model), runtime.now(model)
    if body.version is None:
        stop_challenger(runtime, spec, actor=actor, reason=body.reason, now=now)
    else:
        make_challenger(runtime, spec, body.version, actor=actor, reason=body.reason, now=now)
    return report_shadow(runtime, spec)
