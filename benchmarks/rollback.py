"""The rollback: decides that it is timed from the confirmed click to the committed pointer, beside MLflow's switch."""

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx

from benchmarks.homes import copy_demo_home, start_app
from benchmarks.measuring import find_percentile, time_ms
from benchmarks.peers.environment import PeerMissingError, ask_peer, prepare_peer
from benchmarks.rows import Row
from mlops_core.api.tokens import ensure_token
from mlops_core.config import Home
from mlops_core.demo.clock import DEMO_MODEL
from mlops_core.entities import Action, Actor
from mlops_core.services.deployment import ChangeRequest, change_production, run_preflight
from mlops_core.services.runtime import Runtime, read_wall_clock
from mlops_core.shared import open_runtime

TITLE = "The rollback, from the confirmed click to the committed pointer"
MLFLOW = "mlflow>=3.17,<4"
ROUNDS, PER_ROUND, WARM_UP, REQUESTS = 20, 12, 4, 20
PAIR = ("v3", "v4")
"""The versions that take turns; both have been in production."""
ACTOR = Actor("benchmark", "system")
SWITCH = "MLflow: alias switch on a local SQLite registry"


def measure() -> list[Row]:
    """Measure the service and MLflow in turns, then the API."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = copy_demo_home(Path(folder) / "home")
        runtime = open_runtime(home)
        stack.callback(runtime.close)
        ask = _start_mlflow(Path(folder), stack)
        _change_often(runtime, WARM_UP)
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(ROUNDS):
            ours += _change_often(runtime, PER_ROUND)
            theirs += [ask() for _ in range(PER_ROUND)] if ask else []
        size = max(file.stat().st_size for file in home.artifacts.iterdir()) / 1e6
        runtime.close()
        return [*_list_rows(ours, theirs, size), *_measure_api(home)]


def _start_mlflow(folder: Path, stack: ExitStack) -> Callable[[], float] | None:
    own = folder / "mlflow"
    own.mkdir()
    try:
        ask = stack.enter_context(ask_peer(prepare_peer("mlflow", MLFLOW), "mlflow_alias.py", own))
    except PeerMissingError as error:
        print(f"MLflow is left out: {error}", file=sys.stderr)
        return None
    for _ in range(WARM_UP):
        ask()
    return ask


def _change_often(runtime: Runtime, times: int) -> list[float]:
    """Change production back and forth and give the milliseconds of each change, its preflight left out."""
    return [_change_once(runtime, PAIR[i % len(PAIR)]) for i in range(times)]


def _change_once(runtime: Runtime, to: str) -> float:
    action = Action.ROLL_BACK if to == PAIR[0] else Action.PROMOTE
    request = ChangeRequest(model=DEMO_MODEL, to=to, action=action, actor=ACTOR, reason="measured")
    preflight = run_preflight(runtime, DEMO_MODEL, to)
    return time_ms(lambda: change_production(runtime, request, now=read_wall_clock(), preflight=preflight))


def _list_rows(ours: list[float], theirs: list[float], size_mb: float) -> list[Row]:
    what = f"click to commit, {len(ours)} changes, artifacts of up to {size_mb:.1f} MB"
    rows = [
        Row(what=f"{what}: p50", value=find_percentile(ours, 50), unit="ms"),
        Row(what=f"{what}: p95", value=find_percentile(ours, 95), unit="ms", target=20),
        Row(what=f"{what}: longest", value=find_percentile(ours, 100), unit="ms"),
    ]
    if theirs:
        rows += [
            Row(what=f"{SWITCH}: p50", value=find_percentile(theirs, 50), unit="ms"),
            Row(what=f"{SWITCH}: p95", value=find_percentile(theirs, 95), unit="ms"),
            Row(
                what="ours ÷ MLflow's, p50 of each",
                value=find_percentile(ours, 50) / find_percentile(theirs, 50),
                unit="×",
                target=1,
            ),
        ]
    return rows


def _measure_api(home: Home) -> list[Row]:
    """Roll back and promote by request; the preflight, which loads the artifact, is part of it."""
    headers = {"Authorization": f"Bearer {ensure_token(home)}"}
    with start_app(home) as app, httpx.Client(base_url=app.url, headers=headers, timeout=60) as client:
        times = [time_ms(lambda i=i: _request(client, PAIR[i % len(PAIR)])) for i in range(WARM_UP + REQUESTS)]
    what = "the same by request, the preflight included"
    return [
        Row(what=f"{what}: p50", value=find_percentile(times[WARM_UP:], 50), unit="ms"),
        Row(what=f"{what}: p95", value=find_percentile(times[WARM_UP:], 95), unit="ms"),
    ]


def _request(client: httpx.Client, to: str) -> None:
    verb = "rollback" if to == PAIR[0] else "promote"
    answer = client.post(f"/api/v1/models/{DEMO_MODEL}/{verb}", json={"to": to, "reason": "measured"})
    answer.raise_for_status()
