"""The routes of the standing reference: decides how it is told and chosen."""

from functools import partial

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from mlops_core.api.changes import Channel, Text, name_local_user
from mlops_core.api.documents import describe_reference
from mlops_core.api.parameters import read_channel, read_span
from mlops_core.api.state import answer, answer_change
from mlops_core.entities import Actor, ModelSpec
from mlops_core.services.reference_choice import StandingReference, read_standing_reference, set_reference
from mlops_core.services.references import find_window
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import get_model

router = APIRouter()


class ReferenceBody(BaseModel):
    """What a request to choose a standing reference says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reference: Text | None
    """"A..B", a version, or null for the default."""
    reason: Text


@router.get("/models/{model}/reference")
async def get_model_reference(request: Request, model: str) -> Response:
    """Say what a model's traffic is compared with."""
    return await answer(request, partial(_read, model=model))


@router.post("/models/{model}/reference")
async def set_model_reference(request: Request, model: str, body: ReferenceBody, channel: Channel = None) -> Response:
    """Choose what a model's traffic is compared with."""
    actor = Actor(name_local_user(), read_channel(channel))
    return await answer_change(request, partial(_set, model=model, body=body, actor=actor))


def _read(runtime: Runtime, model: str) -> dict[str, object]:
    spec = get_model(runtime.database, model)
    return _describe(runtime, spec, read_standing_reference(runtime, spec, runtime.now(model)))


def _set(runtime: Runtime, model: str, body: ReferenceBody, actor: Actor) -> dict[str, object]:
    spec, now = get_model(runtime.database, model), runtime.now(model)
    is_window = body.reference is not None and ".." in body.reference
    asked = read_span(body.reference, "reference") if body.reference and is_window else body.reference
    with runtime.schedule.turn:
        standing = set_reference(runtime, spec, asked, actor=actor, reason=body.reason, now=now)
    return _describe(runtime, spec, standing)


def _describe(runtime: Runtime, spec: ModelSpec, standing: StandingReference) -> dict[str, object]:
    reference, choice = standing.reference, standing.choice
    window = find_window(runtime, spec)
    nothing = {
        "kind": "window" if window else None,
        "version": None,
        "start": window.start if window else None,
        "end": window.end if window else None,
        "n": None,
    }
    return {
        "model": spec.name,
        **(describe_reference(reference) if reference else nothing),
        "chunks": reference.n_chunks if reference else None,
        "binning": standing.binning,
        "origin": standing.origin,
        "since": standing.since,
        "actor": choice.actor.name if choice else None,
        "channel": choice.actor.channel if choice else None,
        "reason": choice.reason if choice else None,
    }
