"""Whatever goes wrong, the answer has one shape."""

import pytest

from mlops_core.api.application import create_api
from tests.api.conftest import Caller, check_error

ROUTES = sorted(
    (method.upper(), path)
    for path, methods in create_api(lambda: None, lambda: "").openapi()["paths"].items()
    for method in methods
)
MODEL_ROUTES = [route for route in ROUTES if "{model}" in route[1]]
JSON = {"Content-Type": "application/json"}
CHANGE = {"to": "v1", "reason": "because"}
BODIES = {
    "promote": CHANGE,
    "rollback": CHANGE,
    "challenger": {"version": "v1", "reason": "because"},
    "contract": {"traffic": {"most_duplicates": 0.1}, "reason": "because"},
    "reference": {"reference": "v1", "reason": "because"},
    "erase": {"prediction_id": "0-00000", "reason": "because"},
    "retention": {"row_days": 30, "profile_days": None, "reason": "because"},
    "retrain": {"reason": "because"},
    "cancel": {"reason": "because"},
    "models": {"file": "name = 1"},
}
"""What each route that changes a model accepts, by the last part of its path."""
QUERIES = {
    "comparison": {"challenger": "v1"},
    "rehearsal": {"to": "v1"},
    "difference": {"first": "v1", "second": "v2"},
}
"""What a route has to be asked with."""
ROLLBACK = "/api/v1/models/car-loan/rollback"


def fill(path: str, model: str = "car-loan") -> str:
    return path.replace("{model}", model).replace("{run}", "1")


def give_options(method: str, path: str) -> dict[str, object]:
    """Give a body or a query that a route accepts."""
    name = path.rpartition("/")[2]
    body = BODIES.get(name) if method == "POST" else None
    return {"json": body} if body else {"params": QUERIES.get(name)}


def test_routes_are_those_of_the_contract():
    reads = ["/audit", "/audit/verify", "/demo", "/health", "/models"]
    names = (
        "audit",
        "challenger",
        "comparison",
        "contract",
        "drift",
        "performance",
        "predictions/{prediction}",
        "production",
    )
    names += (
        "quality",
        "reference",
        "rehearsal",
        "retention",
        "runs",
        "runs/{run}",
        "snapshots",
        "snapshots/difference",
    )
    reads += [f"/models/{{model}}/{name}" for name in (*names, "versions")]
    names = (
        "challenger",
        "contract",
        "erase",
        "promote",
        "reference",
        "retention",
        "retrain",
        "rollback",
        "runs/{run}/cancel",
    )
    changes = ["/demo", "/models", *(f"/models/{{model}}/{name}" for name in names)]
    expected = [("GET", f"/api/v1{path}") for path in reads] + [("POST", f"/api/v1{path}") for path in changes]
    assert expected == ROUTES


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_routes_refuse_when_there_is_no_token(shared_api: Caller, method: str, path: str):
    answer = shared_api.request(
        method, fill(path), token=None, headers={"Cookie": f"_streamlit_user={shared_api.token}"}
    )
    check_error(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_routes_refuse_when_the_token_is_wrong(shared_api: Caller, method: str, path: str):
    error = check_error(shared_api.request(method, fill(path), token="x" * 43), 401, "unauthorized")
    assert "xxxx" not in error["message"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_routes_answer_405_when_the_method_is_wrong(shared_api: Caller, method: str, path: str):
    answer = shared_api.request("DELETE", fill(path))
    check_error(answer, 405, "method_not_allowed")
    # Where a path is read and changed, the answer names one of both.
    assert method in answer.headers["allow"] or len([route for route in ROUTES if route[1] == path]) == 2


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_routes_refuse_unknown_parameters_by_name(shared_api: Caller, method: str, path: str):
    options = give_options(method, path)
    options["params"] = {**(options.get("params") or {}), "colour": "red"}
    error = check_error(shared_api.request(method, fill(path), **options), 422, "invalid_input")
    assert "'colour'" in error["message"]


@pytest.mark.parametrize(("method", "path"), MODEL_ROUTES)
@pytest.mark.parametrize("model", ["nope", "%00", "..%2E", "a" * 3000])
def test_routes_answer_404_when_the_model_is_unknown(shared_api: Caller, method: str, path: str, model: str):
    options = give_options(method, path)
    check_error(shared_api.request(method, fill(path, model), **options), 404, "not_found")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v2", "/api/v1", "/api/v1/", "/api/v1/nope", "/api/v1/health/"])
def test_wrong_paths_answer_404(shared_api: Caller, path: str):
    check_error(shared_api.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Bearer", "form"),
        ("Basic abc", "form"),
        ("Bearer  ", "form"),
        ("Bearer a b", "form"),
        ("TOKEN", "form"),
        ("Bearer é".encode(), "not known"),
    ],
)
def test_token_is_refused_in_a_clear_sentence_when_the_header_is_malformed(shared_api: Caller, header: str, said: str):
    answer = shared_api.request("GET", "/api/v1/health", token=None, headers={"Authorization": header})
    assert said in check_error(answer, 401, "unauthorized")["message"]


def test_token_is_refused_before_the_body_is_read(shared_api: Caller):
    answer = shared_api.request(
        "POST", ROLLBACK, token=None, content=b"{", headers={"Content-Type": "application/json"}
    )
    check_error(answer, 401, "unauthorized")


@pytest.mark.parametrize("action", ["promote", "rollback"])
def test_change_is_not_found_when_the_version_is_unknown(shared_api: Caller, action: str):
    error = check_error(shared_api.post(f"/api/v1/models/car-loan/{action}", CHANGE | {"to": "v9"}), 404, "not_found")
    assert error["details"] == {"model": "car-loan", "version": "v9"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("start=yesterday", "'yesterday'"),
        ("start=", "ISO 8601"),
        ("start=2024-03-13T00:00:00+00:00", "%2B"),
        ("start=0001-01-01T00:00:00%2B14:00", "ISO 8601"),
        ("start=2024-03-02&end=2024-03-02", "before its end"),
        ("start=2024-03-02&start=2024-03-03", "twice"),
        ("chunk=hour", "accepted is 'day'"),
        ("chunk=", "accepted is 'day'"),
    ],
)
def test_performance_refuses_what_it_does_not_understand(shared_api: Caller, query: str, said: str):
    error = check_error(shared_api.get(f"/api/v1/models/car-loan/performance?{query}"), 422, "invalid_input")
    assert said in error["message"]


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "1.5", ""])
def test_audit_refuses_limits_out_of_range(shared_api: Caller, limit: str):
    error = check_error(shared_api.get(f"/api/v1/audit?limit={limit}"), 422, "invalid_input")
    assert "'limit'" in error["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (CHANGE | {"force": True}, "'force' is unknown; accepted are: to, reason, expected_champion"),
        ({"to": "v1"}, "'reason' is missing"),
        (CHANGE | {"to": 1}, "'to' is 1"),
        (CHANGE | {"reason": "a\0b"}, "without null characters"),
        (CHANGE | {"reason": " "}, "reason"),
        (CHANGE | {"reason": "x" * 2001}, "2,001"),
        ([CHANGE], "JSON object"),
        ("v1", "JSON object"),
        (None, "JSON object"),
    ],
)
def test_change_refuses_bodies_by_name(shared_api: Caller, body: object, said: str):
    assert said in check_error(shared_api.post(ROLLBACK, body), 422, "invalid_input")["message"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe{}", b"[" * 60_000, b'{"to": "v1", "reason": "\\ud800"}', b"to=v1&reason=x"],
)
def test_change_refuses_what_is_not_json(shared_api: Caller, content: bytes):
    answer = shared_api.request("POST", ROLLBACK, content=content, headers={"Content-Type": "application/json"})
    check_error(answer, 422, "invalid_input")


def test_change_refuses_json_under_another_content_type(shared_api: Caller):
    answer = shared_api.request(
        "POST", ROLLBACK, content=b'{"to": "v1", "reason": "x"}', headers={"Content-Type": "text/plain"}
    )
    check_error(answer, 422, "invalid_input")


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "é"])
def test_change_refuses_keys_that_are_not_visible_ascii(shared_api: Caller, key: str):
    answer = shared_api.post(ROLLBACK, CHANGE, headers={"Idempotency-Key": key.encode()})
    assert "Idempotency-Key" in check_error(answer, 422, "invalid_input")["message"]


@pytest.mark.parametrize("is_announced", [True, False])
def test_change_refuses_bodies_over_64_kib(shared_api: Caller, is_announced: bool):
    content = b'{"to": "v1", "reason": "' + b"x" * 70_000 + b'"}'

    async def stream():
        for start in range(0, len(content), 1000):
            yield content[start : start + 1000]

    answer = shared_api.request(
        "POST",
        ROLLBACK,
        content=content if is_announced else stream(),
        headers={"Content-Type": "application/json"},
    )
    assert "64 KiB" in check_error(answer, 413, "too_large")["message"]
