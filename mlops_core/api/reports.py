"""The routes that only read: decides their addresses, and when production is "not modified"."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from mlops_core.api.answers import HEADERS, make_success
from mlops_core.api.documents import (
    describe_event,
    describe_models,
    describe_prediction,
    describe_production,
    describe_versions,
)
from mlops_core.api.parameters import choose_version, read_segment, read_window, shorten
from mlops_core.api.state import answer
from mlops_core.entities import Window
from mlops_core.errors import InputError
from mlops_core.services.activity import MOST_LINES
from mlops_core.services.drift_report import find_newest_chunks, report_drift
from mlops_core.services.health import describe_health
from mlops_core.services.performance import ALL_TIME, report_performance
from mlops_core.services.quality import find_start, report_quality
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import count_audit_events, find_broken_line, list_audit_events
from mlops_core.store.models import get_model, get_version

router = APIRouter()
Limit = Annotated[int, Query(ge=1, le=MOST_LINES)]


@router.get("/health")
async def get_health(request: Request) -> Response:
    """Say that the app answers, and on what."""
    return await answer(request, describe_health)


@router.get("/models")
async def get_models(request: Request) -> Response:
    """List the models."""
    return await answer(request, describe_models)


@router.get("/models/{model}/production")
async def get_production(
    request: Request, model: str, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """Give the production pointer, or 304 when the caller has it."""
    return await answer(request, partial(_answer_production, model=model, known=if_none_match))


@router.get("/models/{model}/versions")
async def get_versions(request: Request, model: str) -> Response:
    """List a model's versions."""
    return await answer(request, partial(describe_versions, model=model))


@router.get("/models/{model}/performance")
async def get_performance(
    request: Request,
    model: str,
    version: str | None = None,
    start: str | None = None,
    end: str | None = None,
    chunk: str | None = None,
) -> Response:
    """Report a version's realised performance, of the champion and for all time when nothing else is said."""
    window = read_window(start, end, ALL_TIME)

    def report(runtime: Runtime) -> dict[str, object]:
        spec = get_model(runtime.database, model)
        if chunk not in (None, spec.chunk.value):
            raise InputError(
                f"The chunk {shorten(chunk)} is not kept for {model}; accepted is {spec.chunk.value!r}.",
                {"key": "chunk"},
            )
        name = choose_version(runtime, model, version)
        return report_performance(runtime, spec, name, window, runtime.now(model))

    return await answer(request, report)


@router.get("/models/{model}/drift")
async def get_drift(
    request: Request,
    model: str,
    reference_start: str | None = None,
    reference_end: str | None = None,
    reference_version: str | None = None,
    start: str | None = None,
    end: str | None = None,
    segment: str | None = None,
    exact: Literal["true", "false"] = "false",
) -> Response:
    """Compare a window of traffic with another, with a version's training rows, or with the standing reference."""
    before = None
    if reference_start is not None or reference_end is not None:
        before = read_window(reference_start, reference_end, ALL_TIME)
        if reference_version is not None:
            raise InputError("The reference is a window or a version, not both; name one of them.")
    asked = None if start is None and end is None else read_window(start, end, ALL_TIME)

    def report(runtime: Runtime) -> dict[str, object]:
        spec, now = get_model(runtime.database, model), runtime.now(model)
        current = asked or find_newest_chunks(runtime, spec, now)
        reference = get_version(runtime.database, model, reference_version) if reference_version else before
        chosen = read_segment(spec, segment)
        return report_drift(runtime, spec, reference, current, now, chosen, exact=exact == "true")

    return await answer(request, report)


@router.get("/models/{model}/quality")
async def get_quality(
    request: Request,
    model: str,
    version: str | None = None,
    start: str | None = None,
    end: str | None = None,
    segment: str | None = None,
) -> Response:
    """Check a version's live traffic chunk by chunk, the champion's and the newest chunks when nothing else is said."""
    window = read_window(start, end, ALL_TIME)

    def report(runtime: Runtime) -> dict[str, object]:
        spec, now = get_model(runtime.database, model), runtime.now(model)
        asked = get_version(runtime.database, model, choose_version(runtime, model, version))
        chosen = window if start is not None else Window(find_start(spec, min(window.end, now)), window.end)
        return report_quality(runtime, spec, asked, chosen, now, read_segment(spec, segment))

    return await answer(request, report)


@router.get("/models/{model}/predictions/{prediction}")
async def get_prediction(request: Request, model: str, prediction: str) -> Response:
    """Say which version answered a prediction, and which one was in production then."""
    return await answer(request, partial(describe_prediction, model=model, prediction_id=prediction))


@router.get("/models/{model}/audit")
async def get_model_audit(request: Request, model: str, limit: Limit = 200) -> Response:
    """List the newest audit events of a model."""
    return await answer(request, partial(_list_events, model=model, limit=limit))


@router.get("/audit")
async def get_audit(request: Request, model: str | None = None, limit: Limit = 200) -> Response:
    """List the newest audit events."""
    return await answer(request, partial(_list_events, model=model, limit=limit))


@router.get("/audit/verify")
async def get_audit_verification(request: Request) -> Response:
    """Say whether the chain of audit events holds."""
    return await answer(request, _verify_audit)


def _answer_production(runtime: Runtime, model: str, known: str | None) -> Response:
    document = describe_production(runtime, model)
    tag = f'"{document["deployment"]}-{document["artifact_hash"]}"' if document["version"] else '"never"'
    if known is not None and _names_tag(known, tag):
        return Response(status_code=304, headers={**HEADERS, "ETag": tag})
    return make_success(document, headers={"ETag": tag})


def _names_tag(header: str, tag: str) -> bool:
    """Compare as If-None-Match does: weakly, against a list, * being anything."""
    given = [entry.strip().removeprefix("W/") for entry in header.split(",")]
    return tag in given or given == ["*"]


def _list_events(runtime: Runtime, model: str | None, limit: int) -> dict[str, object]:
    if model is not None:
        get_model(runtime.database, model)
    return {"events": [describe_event(event) for event in list_audit_events(runtime.database, model, limit)]}


def _verify_audit(runtime: Runtime) -> dict[str, object]:
    broken = find_broken_line(runtime.database)
    return {"intact": broken is None, "broken_line": broken, "lines": count_audit_events(runtime.database)}
