"""Long answers: decides how many are worked out at once, who waits for a turn, and when one is given up."""

import asyncio
from collections.abc import Callable

import anyio
import anyio.to_thread
from anyio import CancelScope, CapacityLimiter
from fastapi import Request
from starlette.responses import Response

from mlops_core.errors import BusyError, CancelledError
from mlops_core.services.background import Progress

AT_ONCE = 2
"""One may score, in the child that answers one at a time, while another counts and compares."""
MOST_WAITING = 8
LONGEST_WAIT_S = 60.0
RETRY_AFTER_S = 10
"""When whoever was sent away may ask again; most comparisons are done by then."""


class Turns:
    """The turns of requests that take seconds, first come, first served.

    Parameters
    ----------
    at_once : int
        How many are worked out at the same time, each in a thread of its own.
    most_waiting : int
        How many may wait for their turn; further ones are refused at once.
    longest_wait_s : float
        A request that waits longer for its turn is refused.
    """

    def __init__(
        self, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING, longest_wait_s: float = LONGEST_WAIT_S
    ) -> None:
        self._turns = CapacityLimiter(at_once)
        self._most_waiting = most_waiting
        self._longest_wait_s = longest_wait_s

    @property
    def n_running(self) -> int:
        """Requests that are worked on."""
        return self._turns.borrowed_tokens

    @property
    def n_waiting(self) -> int:
        """Requests that wait for their turn."""
        return self._turns.statistics().tasks_waiting

    async def answer(self, request: Request, work: Callable[[Progress], Response]) -> Response:
        """Work in a thread when it is the request's turn; stop when whoever asked has gone.

        Raises
        ------
        BusyError
            When too many wait already, or the turn did not come in time.
        CancelledError
            When whoever asked has gone.
        """
        progress, waiting = Progress(), CancelScope()
        watching = asyncio.create_task(_watch(request, progress, waiting))
        try:
            await self._take(progress, waiting)
            try:
                # The turn is what limits: a thread is there for whoever has one.
                return await anyio.to_thread.run_sync(work, progress, limiter=CapacityLimiter(1))
            finally:
                self._turns.release_on_behalf_of(progress)
        finally:
            progress.cancel()  # Also when the app ends: the thread would work on.
            if not watching.cancel():
                watching.result()  # Raises when a body was sent that is too large.

    async def _take(self, progress: Progress, waiting: CancelScope) -> None:
        if not self._turns.available_tokens and self.n_waiting >= self._most_waiting:
            places = f"{self._turns.total_tokens} to run and {self._most_waiting} to wait"
            raise _refuse(f"all places, {places}, are taken")
        waiting.deadline = anyio.current_time() + self._longest_wait_s
        with waiting:
            await self._turns.acquire_on_behalf_of(progress)
        if not waiting.cancelled_caught:
            return
        if progress.is_cancelled():
            raise CancelledError("It was cancelled while it waited for its turn; nothing of it is kept.")
        raise _refuse(f"the turn did not come in the {self._longest_wait_s:g} s that one may wait for it")


def _refuse(reason: str) -> BusyError:
    message = f"There are too many comparisons and rehearsals: {reason}. Try again in {RETRY_AFTER_S} s."
    return BusyError(message, {"retry_after_s": RETRY_AFTER_S})


async def _watch(request: Request, progress: Progress, waiting: CancelScope) -> None:
    """Cancel the work, or the waiting for it, when whoever asked has gone."""
    try:
        while (await request.receive())["type"] != "http.disconnect":
            pass  # A body, which nobody reads.
    finally:
        progress.cancel()
        waiting.cancel()
