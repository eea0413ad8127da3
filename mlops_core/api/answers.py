"""The shape of every answer: decides how records become JSON and what a failure looks like."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum

import numpy as np
from starlette.responses import Response

from mlops_core.errors import BusyError, MLOpsError

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def make_success(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a document."""
    return _make_json({"data": to_plain(document)}, status, headers)


def make_failure(error: MLOpsError) -> Response:
    """Answer with an error the user can do something about."""
    headers = {"WWW-Authenticate": "Bearer"} if error.http_status == 401 else {}
    if isinstance(error, BusyError):
        headers["Retry-After"] = str(error.details["retry_after_s"])
    return make_error(error.http_status, error.code, error.message, error.details, headers)


def make_error(
    status: int,
    code: str,
    message: str,
    details: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with an error of any status."""
    document = {"code": code, "message": message, "details": to_plain(dict(details or {}))}
    return _make_json({"error": document}, status, headers)


def to_plain(value: object) -> object:
    """Turn records, times, and NumPy scalars into what JSON has; a figure that is not finite is null."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(entry) for key, entry in value.items()}
    if isinstance(value, Sequence | frozenset | set | np.ndarray):
        return [to_plain(entry) for entry in value]
    raise TypeError(f"{type(value).__name__} has no JSON form; records, times, numbers, and texts have.")


def _make_json(document: object, status: int, headers: Mapping[str, str] | None) -> Response:
    content = json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    return Response(content, status, {**HEADERS, **(headers or {})}, media_type="application/json")
