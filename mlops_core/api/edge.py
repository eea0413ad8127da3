"""The outermost layer of the API: decides what is refused unread, and that no error leaks."""

import logging
import secrets
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlops_core.api.answers import make_error, make_failure
from mlops_core.api.tokens import check_authorization
from mlops_core.errors import MLOpsError

LARGEST_BODY_BYTES = 64 * 1024

_log = logging.getLogger(__name__)


def guard(app: ASGIApp, get_token: Callable[[], str], is_known: Callable[[Scope], bool]) -> ASGIApp:
    """Wrap the API: the token first, before the body is read, and one shape for what nobody expected.

    An address that does not exist is not found, with or without a token.
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            if is_known(scope):
                check_authorization(_list_headers(scope, b"authorization"), get_token())
            await app(scope, _limit_body(scope, receive), send_noting)
        except MLOpsError as error:
            await make_failure(error)(scope, receive, send)
        except Exception:
            reference = secrets.token_hex(4)
            _log.exception("%s %r failed, reference %s", scope["method"], scope["path"], reference)
            if started:
                raise
            message = f"Something failed in the app. Its log has more under the reference {reference}."
            await make_error(500, "internal_error", message, {"reference": reference})(scope, receive, send)

    return guarded


def _limit_body(scope: Scope, receive: Receive) -> Receive:
    """Refuse to read a body that is too large, whether it says so or not."""
    lengths = [int(value) for value in _list_headers(scope, b"content-length") if value.isdigit()]
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive() if max(lengths, default=0) <= LARGEST_BODY_BYTES else {}
        received += len(message.get("body", b""))
        if not message or received > LARGEST_BODY_BYTES:
            raise HTTPException(413)
        return message

    return receive_limited


def _list_headers(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]
