"""The API application: decides what it is composed of and how each kind of failure is answered."""

from collections.abc import Callable

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from mlops_core.api import (
    challenger,
    changes,
    comparison,
    contract,
    models,
    reference,
    reports,
    retention,
    runs,
    snapshots,
)
from mlops_core.api.address import PREFIX
from mlops_core.api.answers import make_error, make_failure
from mlops_core.api.edge import LARGEST_BODY_BYTES, guard
from mlops_core.api.parameters import explain_refusal, list_body_keys, refuse_unknown_parameters, shorten
from mlops_core.api.state import ApiState
from mlops_core.errors import InputError, MLOpsError
from mlops_core.services.runtime import Runtime


def create_api(get_runtime: Callable[[], Runtime], get_token: Callable[[], str]) -> FastAPI:
    """Compose the API.

    Parameters
    ----------
    get_runtime : callable
        Gives the open home; called in worker threads.
    get_token : callable
        Gives the token that requests must show; called for each request.
    """
    api = FastAPI(
        title="Driftdeck",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={
            MLOpsError: _answer_known,
            RequestValidationError: _answer_invalid,
            HTTPException: _answer_refused,
        },
    )
    api.state.api = ApiState(get_runtime=get_runtime)
    api.add_middleware(guard, get_token=get_token, is_known=lambda scope: _is_known(api, scope))
    routes = APIRouter(prefix=PREFIX, dependencies=[Depends(refuse_unknown_parameters)])
    routes.include_router(reports.router)
    routes.include_router(comparison.router)
    routes.include_router(changes.router)
    routes.include_router(models.router)
    routes.include_router(challenger.router)
    routes.include_router(contract.router)
    routes.include_router(reference.router)
    routes.include_router(retention.router)
    routes.include_router(runs.router)
    routes.include_router(snapshots.router)
    api.include_router(routes)
    return api


def _is_known(api: FastAPI, scope: Scope) -> bool:
    """Say whether some route has this path, for whatever method."""
    return any(route.matches(scope)[0] is not Match.NONE for route in api.routes)


async def _answer_known(_request: Request, error: Exception) -> Response:
    assert isinstance(error, MLOpsError)
    return make_failure(error)


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return make_failure(explain_refusal(error.errors(), list_body_keys(request)))


async def _answer_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = shorten(request.url.path)
    if error.status_code == 404:
        message = f"There is nothing at {path}; the API's addresses start with {PREFIX}/."
        return make_error(404, "not_found", message, headers=error.headers)
    if error.status_code == 405:
        accepted = ", ".join((error.headers or {}).get("Allow", "").split(", "))
        message = f"{request.method} is not accepted at {path}; accepted is {accepted or 'another method'}."
        return make_error(405, "method_not_allowed", message, headers=error.headers)
    if error.status_code == 413:
        message = f"The body is too large; accepted are {LARGEST_BODY_BYTES // 1024} KiB."
        return make_error(413, "too_large", message, headers=error.headers)
    if error.status_code == 400:
        return make_failure(InputError("The body cannot be read as JSON in UTF-8."))
    return make_error(error.status_code, "error", str(error.detail), headers=error.headers)
