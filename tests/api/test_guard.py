"""The whole app over HTTP: hosts and Streamlit's own addresses."""

import asyncio

import httpx
import pytest

from mlops_core.api.guard import Guard, is_allowed, read_host

HOSTS = ("localhost", "127.0.0.1", "::1")


async def _answer(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"through"})


def _get(path: str, host: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(Guard(_answer, lambda: HOSTS)), base_url="http://x"
        ) as client:
            return await client.get(path, headers={"Host": host})

    return asyncio.run(ask())


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1", "[::1]:8501"])
def test_request_passes_when_its_host_is_ours(host: str) -> None:
    assert _get("/", host).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "", "127.0.0.1.evil.example"])
def test_request_is_refused_when_its_host_is_another(host: str) -> None:
    assert _get("/api/v1/health", host).status_code == 400


def test_metrics_of_streamlit_are_closed() -> None:
    assert _get("/_stcore/metrics", "localhost").status_code == 404


def test_any_host_is_allowed_when_the_app_listens_everywhere() -> None:
    assert is_allowed("driftdeck.example", ["0.0.0.0"])


def test_host_is_read_without_its_port() -> None:
    assert read_host({"headers": [(b"host", b"[::1]:80")]}) == "::1"
