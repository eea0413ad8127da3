"""The program that browsers load: whole files from one place, everything else as before."""

import asyncio
from pathlib import Path

import httpx
import pytest

from mlops_core.api.bundle import KEPT, Bundle


async def _answer(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"passed on"})


@pytest.fixture
def ask(tmp_path: Path):
    """Give a function that asks for an address of a folder with one file."""
    (tmp_path / "static" / "js").mkdir(parents=True)
    (tmp_path / "static" / "js" / "index.abc.js").write_text("run()")
    (tmp_path / "secret").write_text("secret")
    bundle = Bundle(_answer, tmp_path / "static", "/static/")

    def ask(path: str, method: str = "GET", **headers: str) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(bundle), base_url="http://x") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(send())

    return ask


def test_file_is_answered_whole_and_kept_by_browsers(ask) -> None:
    answer = ask("/static/js/index.abc.js")
    assert answer.text == "run()"
    assert answer.headers["cache-control"] == KEPT
    assert "javascript" in answer.headers["content-type"]
    assert answer.headers["content-length"] == "5"


@pytest.mark.parametrize(
    "path", ["/", "/static/", "/static/js", "/static/other.js", "/static/../secret", "/static/%2e%2e/secret"]
)
def test_request_is_passed_on_when_it_names_no_file_of_the_folder(ask, path: str) -> None:
    assert ask(path).text == "passed on"


def test_request_is_passed_on_when_it_asks_for_more_than_a_whole_file(ask) -> None:
    assert ask("/static/js/index.abc.js", Range="bytes=0-1").text == "passed on"
    assert ask("/static/js/index.abc.js", "HEAD").headers.get("cache-control") is None
