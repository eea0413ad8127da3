"""The local token: decides where it lies, how it is made, and when a request has shown it."""

import hmac
import os
import secrets
from contextlib import suppress

from mlops_core.config import Home
from mlops_core.errors import HomeError, UnauthorizedError

TOKEN_BYTES = 32
SHORTEST_TOKEN = 32
"""Characters; a shorter file was cut off or written by hand, and is refused."""


def ensure_token(home: Home) -> str:
    """Give the home's token, making it when there is none; two processes that do so at once get the same.

    Raises
    ------
    HomeError
        When the file cannot be read or written, or holds no token.
    """
    try:
        with suppress(FileNotFoundError):
            return read_token(home)
        home.path.mkdir(parents=True, exist_ok=True)
        partial = home.token.with_name(f".token.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(TOKEN_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(partial, home.token)
        finally:
            partial.unlink()
        return read_token(home)
    except OSError as error:
        raise HomeError(
            f"The token {home.token} cannot be read or made: {error.strerror}. Free some space or mend its permissions."
        ) from error


def read_token(home: Home) -> str:
    """Give the home's token.

    Raises
    ------
    FileNotFoundError
        When none was made yet.
    HomeError
        When the file holds no token.
    """
    token = home.token.read_bytes().decode("ascii", "replace").strip()
    if len(token) < SHORTEST_TOKEN or not token.isascii():
        raise HomeError(f"The file {home.token} holds no token. Remove it; the next start makes a new one.")
    return token


def check_authorization(headers: list[bytes], token: str) -> None:
    """Refuse a request that does not show the token.

    Parameters
    ----------
    headers : list of bytes
        Every Authorization header of the request.

    Raises
    ------
    UnauthorizedError
        Says what is missing or wrong, never what was sent.
    """
    if not headers:
        raise UnauthorizedError(
            "The Authorization header is missing; accepted is 'Authorization: Bearer TOKEN'. "
            "The local token is in the file 'token' of the home."
        )
    scheme, _, given = headers[0].strip().partition(b" ")
    given = given.strip()
    if len(headers) > 1 or scheme.lower() != b"bearer" or not given or b" " in given:
        raise UnauthorizedError("The Authorization header is not of the form 'Bearer TOKEN'.")
    if not hmac.compare_digest(given, token.encode("ascii")):
        raise UnauthorizedError("The token is not known. The local token is in the file 'token' of the home.")
