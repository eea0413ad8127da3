"""An API on a real small home, called as a client would."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from mlops_core.api.application import create_api
from mlops_core.api.tokens import ensure_token
from mlops_core.config import Home
from mlops_core.services.artifact_host import ArtifactHost
from mlops_core.services.runtime import Runtime
from mlops_core.shared import open_runtime
from tests.small_home import copy_small_home


@dataclass(frozen=True, slots=True)
class Caller:
    """Sends requests to an API in this process and waits for the answers."""

    app: FastAPI
    runtime: Runtime
    token: str
    runner: asyncio.Runner
    client: httpx.AsyncClient

    def request(self, method: str, path: str, *, token: str | None = "", **options: object) -> httpx.Response:
        """Send one request; with the right token unless another one, or None, is given."""
        return self.runner.run(self.send(method, path, token=token, **options))

    async def send(self, method: str, path: str, *, token: str | None = "", **options: object) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.token}"
        return await self.client.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: object) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, body: object, **options: object) -> httpx.Response:
        return self.request("POST", path, json=body, **options)


@pytest.fixture(scope="session")
def artifact_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArtifactHost]:
    """One warm child for all tests: every small home has the same artifacts, and importing takes seconds."""
    host = ArtifactHost(copy_small_home(tmp_path_factory.mktemp("artifacts") / "home").artifacts)
    host.warm_up()
    yield host
    host.close()


@contextmanager
def open_api(home: Home, artifact_host: ArtifactHost) -> Iterator[Caller]:
    runtime = open_runtime(home)
    runtime.artifacts = runtime.replays = artifact_host
    token = ensure_token(home)
    app = create_api(lambda: runtime, lambda: token)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://driftdeck")
    with asyncio.Runner() as runner:
        yield Caller(app, runtime, token, runner, client)
        runner.run(client.aclose())
    runtime.database.close()


@pytest.fixture
def api(tmp_path: Path, artifact_host: ArtifactHost) -> Iterator[Caller]:
    """An API on a home of its own."""
    with open_api(copy_small_home(tmp_path / "home"), artifact_host) as caller:
        yield caller


@pytest.fixture(scope="module")
def shared_api(tmp_path_factory: pytest.TempPathFactory, artifact_host: ArtifactHost) -> Iterator[Caller]:
    """An API for tests that change nothing."""
    with open_api(copy_small_home(tmp_path_factory.mktemp("shared") / "home"), artifact_host) as caller:
        yield caller


def check_error(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    """Check that an answer is an error of the one shape, and give the error."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    document = json.loads(answer.content)
    assert set(document) == {"error"}
    assert set(document["error"]) == {"code", "message", "details"}
    assert document["error"]["code"] == code
    assert len(document["error"]["message"]) > 10
    assert "Traceback" not in answer.text
    return document["error"]
