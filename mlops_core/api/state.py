"""How handlers reach the services: decides that these run in worker threads of the API's own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import Request
from starlette.responses import Response

from mlops_core.api.answers import make_success
from mlops_core.api.turns import Turns
from mlops_core.services.background import Progress
from mlops_core.services.runtime import Runtime

READING_THREADS = 8
CHANGING_THREADS = 2
"""Changes load artifacts, which takes seconds; reports do not wait behind them."""

Task = Callable[[Runtime], object]
LongTask = Callable[[Runtime, Progress], object]
"""Tells how far it is, which is where it stops when nobody wants it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiState:
    """What one API application works on."""

    get_runtime: Callable[[], Runtime]
    reading: CapacityLimiter = field(default_factory=partial(CapacityLimiter, READING_THREADS))
    changing: CapacityLimiter = field(default_factory=partial(CapacityLimiter, CHANGING_THREADS))
    turns: Turns = field(default_factory=Turns)
    """Of what takes seconds, so that short reports do not wait behind it."""


async def answer(request: Request, task: Task) -> Response:
    """Answer with what a reading task gives."""
    state = request.app.state.api
    return await anyio.to_thread.run_sync(_carry_out, state, task, limiter=state.reading)


async def answer_in_turn(request: Request, task: LongTask) -> Response:
    """Answer with what a long reading task gives; see `Turns.answer` for when it does not."""
    state = request.app.state.api
    answered: Response = await state.turns.answer(
        request, lambda progress: _carry_out(state, lambda runtime: task(runtime, progress))
    )
    return answered


async def answer_change(request: Request, task: Task, status: int = 200) -> Response:
    """Answer with what a changing task gives; it is carried out even when the caller has gone."""
    state = request.app.state.api
    return await anyio.to_thread.run_sync(_carry_out, state, task, status, limiter=state.changing)


def _carry_out(state: ApiState, task: Task, status: int = 200) -> Response:
    result = task(state.get_runtime())
    return result if isinstance(result, Response) else make_success(result, status)
