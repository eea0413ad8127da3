"""Words in the page of the server: where they stand, when they are sent, and what is left alone."""

import asyncio
import threading
from collections.abc import Callable

import httpx
import pytest

from mlops_core.api.first_words import FirstWords

PAGE = b'<html><head><script src="program.js"></script></head><body><div id="root"></div></body></html>'


def serve(content_type: str, *parts: bytes):
    """Make an app that answers everything with these parts, as a file is answered."""

    async def answer(_scope, _receive, send) -> None:
        size = str(sum(len(part) for part in parts)).encode()
        headers = [(b"content-type", content_type.encode()), (b"content-length", size), (b"etag", b'"1"')]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for i, part in enumerate(parts):
            await send({"type": "http.response.body", "body": part, "more_body": i + 1 < len(parts)})

    return answer


def ask(app: FirstWords, path: str = "/", method: str = "GET") -> httpx.Response:
    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            return await client.request(method, path)

    return asyncio.run(send())


def say(name: str | None) -> str:
    return f"<p>All is well with {name} – 0 alerts.</p>"


def test_words_stand_first_in_the_body_and_the_file_is_no_longer_named():
    answer = ask(
        FirstWords(serve("text/html; charset=utf-8", PAGE[:50], PAGE[50:]), say), "/?model-select=late+flights"
    )
    before, after = PAGE.decode().split("<body>")
    assert answer.text == f"{before}<body>{say('late flights')}{after}"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not {"content-length", "etag"} & set(answer.headers)


def test_last_model_counts_and_the_answer_is_never_stored():
    answer = ask(FirstWords(serve("text/html", PAGE), say), "/?model-select=a&model-select=b")
    assert say("b") in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_usual_model_is_meant_when_the_address_names_none():
    assert say(None) in ask(FirstWords(serve("text/html", PAGE), say)).text


def test_page_is_whole_when_there_is_nothing_to_say():
    assert ask(FirstWords(serve("text/html", PAGE), lambda _name: "")).content == PAGE


@pytest.mark.parametrize(
    ("path", "method", "content_type", "page"),
    [
        ("/versions", "GET", "text/html", PAGE),
        ("/", "POST", "text/html", PAGE),
        ("/", "GET", "text/plain", PAGE),
        ("/", "GET", "text/html", b"<p>not found</p>"),
        ("/", "GET", "text/html", b""),
    ],
    ids=["other page", "other method", "other type", "no body", "empty"],
)
def test_every_other_answer_is_passed_on_with_its_headers(path: str, method: str, content_type: str, page: bytes):
    answer = ask(FirstWords(serve(content_type, page), say), path, method)
    assert answer.content == page
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["content-length"] == str(len(page))


def test_what_names_the_program_is_sent_before_the_words_are_found():
    head_is_sent = threading.Event()
    sent: list[bytes] = []

    def find(_name: str | None) -> str:
        assert head_is_sent.wait(10), "the words were asked for before the head was sent"
        return "<p>words</p>"

    async def collect(message) -> None:
        if message.get("body"):
            sent.append(message["body"])
            head_is_sent.set()

    async def receive() -> dict[str, str]:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b""}
    app: Callable[..., object] = FirstWords(serve("text/html", PAGE), find)
    asyncio.run(app(scope, receive, collect))
    assert sent[0].endswith(b"<body>")
    assert b"program.js" in sent[0]
    assert sent[1].startswith(b"<p>words</p>")
