"""The program that browsers load: decides that its files are answered at once, without a thread for each piece."""

import mimetypes
from functools import cached_property
from pathlib import Path

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

KEPT = "public, immutable, max-age=31536000"
"""The names hold a hash of the content, so a browser never needs to ask twice."""
PARTIAL = (b"range", b"if-range")


class Bundle:
    """Answer for the files of a folder; every other request is passed on.

    The server reads a file in pieces, each in a thread of its own. While a start keeps Python busy each piece waits
    for its turn, and a first page loads some hundred files.

    Parameters
    ----------
    folder : Path
        Is read once, at the first request.
    prefix : str
        Of the addresses, with a slash at both ends.
    """

    def __init__(self, app: ASGIApp, folder: Path, prefix: str) -> None:
        self._app = app
        self._folder = folder
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain request for a known file."""
        file = self._files.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if file is None or any(name in PARTIAL for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        await Response(file.read_bytes(), media_type=kind, headers={"Cache-Control": KEPT})(scope, receive, send)

    @cached_property
    def _files(self) -> dict[str, Path]:
        found = (file for file in self._folder.rglob("*") if file.is_file())
        return {self._prefix + file.relative_to(self._folder).as_posix(): file for file in found}
