"""What a request may say: decides how it is read and what is refused by name."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

from fastapi import Request

from mlops_core.entities import ModelSpec, Window
from mlops_core.errors import InputError, NotFoundError
from mlops_core.services.runtime import Runtime
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import get_version

LONGEST_SHOWN = 80
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


async def refuse_unknown_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not read, and those given twice."""
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    given = request.query_params
    for name in given:
        if name not in known:
            accepted = ", ".join(sorted(known)) or "none"
            raise InputError(
                f"The query parameter {shorten(name)} is unknown; accepted are: {accepted}.", {"key": name}
            )
        if len(given.getlist(name)) > 1:
            raise InputError(f"The query parameter {name!r} is given twice; accepted is one.", {"key": name})


def read_window(start: str | None, end: str | None, otherwise: Window) -> Window:
    """Read the window of a request; an end that is not given is taken from another window.

    Raises
    ------
    InputError
        When a time is not ISO 8601, or the window is empty.
    """
    window = Window(
        otherwise.start if start is None else read_time(start, "start"),
        otherwise.end if end is None else read_time(end, "end"),
    )
    if window.start >= window.end:
        raise InputError(
            f"The window starts at {window.start.isoformat()} and ends at {window.end.isoformat()}; "
            "its start must lie before its end."
        )
    return window


def read_span(text: str, name: str) -> Window:
    """Read a window of the form A..B with both ends.

    Raises
    ------
    InputError
        When the form is another, an end is not ISO 8601, or the window is empty.
    """
    start, _, end = text.partition("..")
    if not start or not end:
        raise InputError(
            f"The {name} {shorten(text)} lacks an end; accepted is A..B, such as 2013-07-01..2013-08-01.", {"key": name}
        )
    moments = Window(read_time(start, name), read_time(end, name))
    return read_window(start, end, moments)


def read_segment(spec: ModelSpec, text: str | None) -> tuple[str, str]:
    """Read a segment of the form column=value; empty texts, which stand for all traffic, when None.

    Raises
    ------
    InputError
        When the form is another, or the column is no segment of the model.
    """
    if text is None:
        return "", ""
    column, sign, value = text.partition("=")
    if not sign or column not in spec.columns.segments:
        accepted = ", ".join(f"{name}=…" for name in spec.columns.segments) or "none, the model has no segments"
        raise InputError(f"The segment {shorten(text)} is not known; accepted are: {accepted}.", {"key": "segment"})
    return column, value


def choose_version(runtime: Runtime, model: str, name: str | None) -> str:
    """Give the version that a request names; the one in production when it names none.

    Raises
    ------
    NotFoundError
        When there is no such version, or nothing is in production.
    """
    if name is not None:
        return get_version(runtime.database, model, name).name
    champion = get_champion(runtime.database, model)
    if champion is None:
        raise NotFoundError(f"Nothing was ever in production of {model}; name the version to report on.")
    return champion.version


def read_time(text: str, name: str) -> datetime:
    """Read an ISO 8601 time; UTC when it names no zone."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        hint = " In an address, + is written %2B." if " " in text else ""
        raise InputError(
            f"The {name} {shorten(text)} is not a time; accepted is ISO 8601, such as 2013-10-07 or "
            f"2013-10-07T04:00:00Z.{hint}",
            {"key": name},
        ) from error


def read_channel(value: str | None) -> str:
    """Give the channel of a request: our own commands name theirs."""
    if value not in (None, "command"):
        raise InputError(f"The header X-Driftdeck-Channel is {shorten(value)}; accepted is 'command'.")
    return value or "api"


def check_key(key: str | None) -> str | None:
    """Check an idempotency key."""
    if key is not None and not _KEY.fullmatch(key):
        raise InputError(
            f"The header Idempotency-Key is {shorten(key)}; accepted are 1 to 200 visible ASCII characters."
        )
    return key


def check_text(text: str) -> str:
    """Check that a text can be stored: JSON can spell null and halves of characters."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must be text in UTF-8 without null characters")
    return text


def explain_refusal(errors: Sequence[Mapping[str, Any]], body_keys: Mapping[str, Sequence[str]]) -> InputError:
    """Turn the findings of the request's validation into one error, named after the first."""
    found = [_explain(error, body_keys) for error in errors]
    return InputError(found[0]["message"], {"errors": found})


def list_body_keys(request: Request) -> dict[str, list[str]]:
    """Give the keys that the body of a request's route may have, and under "features" those of what lies there."""
    found: dict[str, list[str]] = {}
    for field in request.scope["route"].dependant.body_params:
        _add_keys(found, "", field.field_info.annotation)
    return found


def _add_keys(found: dict[str, list[str]], place: str, annotation: object) -> None:
    for model in (annotation, *get_args(annotation)):
        for name, field in getattr(model, "model_fields", {}).items():
            found.setdefault(place, []).append(name)
            _add_keys(found, f"{place}.{name}".lstrip("."), field.annotation)


def _explain(error: Mapping[str, Any], body_keys: Mapping[str, Sequence[str]]) -> dict[str, str]:
    place, *keys = (str(part) for part in error["loc"])
    kind, key = error["type"], ".".join(keys)
    shown = {"body": "body key", "query": "query parameter"}.get(place, place)
    if kind == "json_invalid":
        key, message = "", f"The body is not valid JSON: {error['ctx']['error']}."
    elif not key:
        message = "The body is missing or is not a JSON object sent as application/json."
    elif kind == "missing":
        message = f"The {shown} {key!r} is missing."
    elif kind == "extra_forbidden":
        accepted = body_keys.get(".".join(part for part in keys[:-1] if not part.isdigit()), ())
        message = f"The {shown} {shorten(key)} is unknown; accepted are: {', '.join(accepted) or 'none'}."
    else:
        rule = error["msg"].removeprefix("Input ").removeprefix("Value error, ")
        message = f"The {shown} {shorten(key)} is {shorten(error['input'])}; it {rule}."
    return {"place": place, "key": key, "message": message}


def shorten(value: object) -> str:
    """Quote a value for a message, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
