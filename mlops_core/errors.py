"""The errors a user can meet: the only place that decides their codes and their HTTP and exit status."""

from collections.abc import Mapping
from typing import ClassVar


class MLOpsError(Exception):
    """Something went wrong that the message explains.

    Parameters
    ----------
    message : str
        What was wrong, the value, and what is accepted.
    details : mapping, optional
        The same, for programs.
    """

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})


class InputError(MLOpsError):
    """The request or the file is not of the accepted form."""

    code = "invalid_input"
    http_status = 422


class NotFoundError(MLOpsError):
    """No such model, version, or record."""

    code = "not_found"
    http_status = 404


class UnauthorizedError(MLOpsError):
    """The bearer token is missing or unknown."""

    code = "unauthorized"
    http_status = 401


class ConflictError(MLOpsError):
    """The state of production does not allow this, or changed in the meantime."""

    code = "conflict"
    http_status = 409
    exit_code = 1


class PreflightError(MLOpsError):
    """The version cannot serve: its artifact or its schema says no."""

    code = "preflight_failed"
    http_status = 409
    exit_code = 1


class UnfinishedError(MLOpsError):
    """A check ran, but a part of it could not be made; the rest is stored."""

    code = "unfinished"


class CancelledError(MLOpsError):
    """Somebody stopped it before it was done; nothing of it is kept."""

    code = "cancelled"
    http_status = 409
    exit_code = 1


class BusyError(MLOpsError):
    """Too many ask for long work at once; it can be asked for again a little later.

    `details` has `retry_after_s`, whole seconds.
    """

    code = "busy"
    http_status = 503


class HomeError(MLOpsError):
    """The home cannot be used: locked, damaged, newer, read-only, or full."""

    code = "home_unusable"
    http_status = 503
