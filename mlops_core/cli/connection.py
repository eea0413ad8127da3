"""How a command reaches the store: by a request to the API, of the running app or of this process."""

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from mlops_core.api.address import PREFIX
from mlops_core.api.tokens import read_token
from mlops_core.config import Home
from mlops_core.errors import (
    BusyError,
    CancelledError,
    ConflictError,
    HomeError,
    InputError,
    MLOpsError,
    NotFoundError,
    PreflightError,
    UnauthorizedError,
)

if TYPE_CHECKING:
    from mlops_core.services.runtime import Runtime

Document = dict[str, Any]

PROBE_S = 5.0
ANSWER_S = 180.0
"""Longer than a preflight may take."""
PATIENT = httpx.Timeout(None, connect=PROBE_S)
"""For what replays traffic: the app ends each batch that takes too long, but all together may take many minutes."""
_ERRORS = {
    error.code: error
    for error in (
        BusyError,
        CancelledError,
        ConflictError,
        HomeError,
        InputError,
        NotFoundError,
        PreflightError,
        UnauthorizedError,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A way to send requests to the API of one home."""

    url: str | None
    """Address of the running app; None when this process carries the requests out."""
    client: httpx.Client | httpx.AsyncClient
    send: Callable[[httpx.Request], httpx.Response]

    def get(
        self, path: str, parameters: Mapping[str, str | None] | None = None, *, patiently: bool = False
    ) -> Document:
        """Ask for a document; parameters that are None are left out.

        Parameters
        ----------
        patiently : bool
            Wait for the answer however long it takes.
        """
        chosen = {key: value for key, value in (parameters or {}).items() if value is not None}
        timeout = PATIENT if patiently else self.client.timeout
        return self._ask(self.client.build_request("GET", PREFIX + path, params=chosen, timeout=timeout))

    def post(self, path: str, body: Mapping[str, object], key: str | None = None) -> Document:
        """Ask for a change."""
        headers = httpx.Headers({"X-Driftdeck-Channel": "command"}, encoding="utf-8")
        if key is not None:
            headers["Idempotency-Key"] = key
        return self._ask(self.client.build_request("POST", PREFIX + path, json=dict(body), headers=headers))

    def _ask(self, request: httpx.Request) -> Document:
        try:
            answer = self.send(request)
            document: Document = answer.json()
        except (httpx.TransportError, ValueError) as error:
            raise HomeError(f"The app at {self.url} did not answer as it should: {error}. Try again.") from error
        if "error" in document:
            failure = document["error"]
            raise _ERRORS.get(failure["code"], MLOpsError)(failure["message"], failure["details"])
        data: Document = document["data"]
        return data


@contextmanager
def connect(home: Home, *, may_create: bool = False) -> Iterator[Connection]:
    """Reach a home's API: through its running app, else in this process on a runtime opened for the occasion.

    Raises
    ------
    InputError
        When there is no such home and none may be created.
    HomeError
        When another process has it open but does not answer.
    """
    url = find_running_app(home)
    if url:
        with _open_client(url, read_token(home)) as client:
            yield Connection(url=url, client=client, send=client.send)
        return
    if not may_create and not home.database.exists():
        raise InputError(
            f"There is no home at {home.path}. Name another with --home, or start the app once: "
            "python -m mlops_core up --demo"
        )
    # Not needed, and so not imported, when an app answers.
    from mlops_core.shared import open_runtime

    runtime = open_runtime(home)
    try:
        with connect_in_process(runtime) as connection:
            yield connection
    finally:
        runtime.close()


@contextmanager
def connect_in_process(runtime: "Runtime") -> Iterator[Connection]:
    """Reach the API of this process, on a runtime that somebody else closes."""
    from mlops_core.api.application import create_api

    token = secrets.token_urlsafe()
    transport = httpx.ASGITransport(create_api(lambda: runtime, lambda: token))
    client = httpx.AsyncClient(transport=transport, base_url="http://driftdeck", headers=_authorize(token))
    with asyncio.Runner() as runner:
        try:
            yield Connection(url=None, client=client, send=lambda request: runner.run(client.send(request)))
        finally:
            runner.run(client.aclose())


def find_running_app(home: Home) -> str | None:
    """Give the address of the app that has a home open, when it lives and takes the home's token."""
    try:
        owner = json.loads(home.running.read_text())
        with suppress(PermissionError):
            os.kill(int(owner["pid"]), 0)
        with _open_client(str(owner["url"]), read_token(home), PROBE_S) as client:
            answer = client.get(f"{PREFIX}/health")
    except (OSError, ValueError, KeyError, TypeError, MLOpsError, httpx.HTTPError, httpx.InvalidURL):
        return None
    return str(owner["url"]) if answer.is_success else None


def _open_client(url: str, token: str, timeout_s: float = ANSWER_S) -> httpx.Client:
    timeout = httpx.Timeout(timeout_s, connect=PROBE_S)
    return httpx.Client(base_url=url, headers=_authorize(token), timeout=timeout, trust_env=False)


def _authorize(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
