"""The routes that change something: decides what a request must say and who is held to act."""

import getpass
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Request
from pydantic import AfterValidator, BaseModel, ConfigDict
from starlette.responses import Response

from mlops_core.api.documents import describe_deployment
from mlops_core.api.parameters import check_key, check_text, read_channel
from mlops_core.api.state import answer, answer_change
from mlops_core.demo.seeding import demo_seeding
from mlops_core.entities import Action, Actor, Preflight
from mlops_core.services.deployment import ChangeRequest, change_production, run_preflight
from mlops_core.services.runtime import Runtime

router = APIRouter()
Text = Annotated[str, AfterValidator(check_text)]
Key = Annotated[str | None, Header(alias="Idempotency-Key")]
Channel = Annotated[str | None, Header(alias="X-Driftdeck-Channel")]


class ChangeBody(BaseModel):
    """What a request to change production says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    to: Text
    """The version to put into production."""
    reason: Text
    expected_champion: Text | None = None
    """What the caller believes to be in production, null for nothing; not checked when absent."""


class NothingBody(BaseModel):
    """The empty object."""

    model_config = ConfigDict(extra="forbid", strict=True)


@router.post("/models/{model}/promote")
async def promote(request: Request, model: str, body: ChangeBody, key: Key = None, channel: Channel = None) -> Response:
    """Put a version into production."""
    return await _answer_change(request, Action.PROMOTE, model, body, key, channel)


@router.post("/models/{model}/rollback")
async def roll_back(
    request: Request, model: str, body: ChangeBody, key: Key = None, channel: Channel = None
) -> Response:
    """Put a version that was in production before back into production."""
    return await _answer_change(request, Action.ROLL_BACK, model, body, key, channel)


@router.get("/demo")
async def get_demo(request: Request) -> Response:
    """Say how far the seeding of the demo is."""
    return await answer(request, lambda _runtime: demo_seeding.state())


@router.post("/demo")
async def seed_demo(request: Request, body: NothingBody | None = None) -> Response:
    """Start seeding the demo; refused when the home holds a model."""
    return await answer_change(request, demo_seeding.start, status=202)


async def _answer_change(
    request: Request, action: Action, model: str, body: ChangeBody, key: str | None, channel: str | None
) -> Response:
    change = ChangeRequest(
        model=model,
        to=body.to,
        action=action,
        actor=Actor(name_local_user(), read_channel(channel)),
        reason=body.reason,
        key=check_key(key),
    )
    return await answer_change(request, partial(_carry_out, change=change, body=body))


def name_local_user() -> str:
    """Name the holder of the local token: the operating system's user, "local" when it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "local"


def _carry_out(runtime: Runtime, change: ChangeRequest, body: ChangeBody) -> dict[str, object]:
    preflight = None
    if "expected_champion" in body.model_fields_set:
        preflight = _prepare_as_expected(runtime, change, body.expected_champion)
    deployment = change_production(runtime, change, now=runtime.now(change.model), preflight=preflight)
    return describe_deployment(deployment)


def _prepare_as_expected(runtime: Runtime, change: ChangeRequest, champion: str | None) -> Preflight:
    """Bind a preflight to the caller's belief: the commit refuses when production differs."""
    return replace(run_preflight(runtime, change.model, change.to), champion=champion)
