"""The route of model files: decides how a model is registered, and what is told of a change of its file."""

from functools import partial

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from mlops_core.api.changes import Channel, Text, name_local_user
from mlops_core.api.parameters import read_channel
from mlops_core.api.state import answer_change
from mlops_core.entities import Actor
from mlops_core.services.model_files import put_model
from mlops_core.services.runtime import Runtime

router = APIRouter()


class ModelBody(BaseModel):
    """What a request to register a model, or to change its file, says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    file: Text
    """The text of the model file."""
    reason: Text = ""
    """Needed when the model exists and something of it changes."""


@router.post("/models")
async def post_model(request: Request, body: ModelBody, channel: Channel = None) -> Response:
    """Register a model from its file, or let a model that exists be as its file says."""
    actor = Actor(name_local_user(), read_channel(channel))
    return await answer_change(request, partial(_put, body=body, actor=actor))


def _put(runtime: Runtime, body: ModelBody, actor: Actor) -> dict[str, object]:
    with runtime.schedule.turn:
        put = put_model(runtime, body.file, actor=actor, reason=body.reason)
    return {"model": put.spec.name, "is_new": put.is_new, "changes": put.changes}
