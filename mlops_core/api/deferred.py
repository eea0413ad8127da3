"""The API at start: decides that its packages are imported when the first request comes, not before the first page."""

import threading
from collections.abc import Callable

from anyio import to_thread
from starlette.types import ASGIApp, Receive, Scope, Send


class DeferredApp:
    """An application that is composed, once and in a thread, when it is asked for the first time."""

    def __init__(self, compose: Callable[[], ASGIApp]) -> None:
        self._compose = compose
        self._lock = threading.Lock()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        app = self._app
        if app is None:
            app = await to_thread.run_sync(self._compose_once)
        await app(scope, receive, send)

    def _compose_once(self) -> ASGIApp:
        with self._lock:
            if self._app is None:
                self._app = self._compose()
            return self._app
