"""What Streamlit leaves open: decides which Host headers are answered and which of its own addresses are closed."""

from collections.abc import Callable, Sequence

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mlops_core.api.answers import make_error

CLOSED_PREFIX = "/_stcore/metrics"
ANY_ADDRESS = ("0.0.0.0", "::", "*")  # noqa: S104  compared with, not bound to


class Guard:
    """Refuse requests for other hosts, as against DNS rebinding, and for Streamlit's open metrics.

    Parameters
    ----------
    list_hosts : callable
        Gives the hosts that may be asked for; none means any.
    """

    def __init__(self, app: ASGIApp, list_hosts: Callable[[], Sequence[str]]) -> None:
        self._app = app
        self._list_hosts = list_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400 or 404, or pass the request on."""
        if scope["type"] == "http" and scope["path"].startswith(CLOSED_PREFIX):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
        elif scope["type"] == "http" and not is_allowed(read_host(scope), self._list_hosts()):
            refusal = make_error(400, "unknown_host", "This host is not served here; see server.allowedHosts.")
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def read_host(scope: Scope) -> str:
    """Give the Host header without its port."""
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    return host[1 : host.index("]")] if host.startswith("[") and "]" in host else host.partition(":")[0]


def is_allowed(host: str, allowed: Sequence[str]) -> bool:
    """Say whether a host may be asked for; when the app listens everywhere, or names no hosts, any may."""
    return not allowed or host in allowed or any(address in allowed for address in ANY_ADDRESS)
