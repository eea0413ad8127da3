"""The first page before its program has come: decides how what is known already gets into the page of the server."""

from collections.abc import Callable
from urllib.parse import parse_qs

from anyio import to_thread
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY = b"<body>"
OF_THE_FILE = ("content-length", "etag", "last-modified", "accept-ranges", "cache-control")
"""Headers that belong to the page without its words."""
ASKED = "model-select"
"""Parameter of the address that names the model; of several the last counts, as it does on the page."""


class FirstWords:
    """Put words into the page at `/`, ahead of the program that draws it; other answers are passed on as they are.

    What stands before them is sent at once: browsers load the program while the words are found, and run it only when
    they have the page whole.

    Parameters
    ----------
    write : callable
        Gives HTML for the model that the address names, or for the usual one; an empty text where there is nothing to
        say. Is called in a thread, and has to catch what goes wrong.
    """

    def __init__(self, app: ASGIApp, write: Callable[[str | None], str]) -> None:
        self._app = app
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and put the words into what is answered."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        start: Message = {}
        page = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                page.extend(message.get("body", b""))

        await self._app(scope, receive, collect)
        headers = MutableHeaders(raw=start["headers"])
        before, body, after = bytes(page).partition(BODY)
        if body and headers.get("content-type", "").startswith("text/html"):
            for name in OF_THE_FILE:
                del headers[name]
            # Going back in a browser would show words from before.
            headers["cache-control"] = "no-store"
            await send(start)
            await send({"type": "http.response.body", "body": before + body, "more_body": True})
            asked = parse_qs(scope["query_string"].decode("latin-1")).get(ASKED, [None])[-1]
            words = await to_thread.run_sync(self._write, asked)
            await send({"type": "http.response.body", "body": words.encode() + after})
        else:
            await send(start)
            await send({"type": "http.response.body", "body": bytes(page)})
