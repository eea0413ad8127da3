"""Playing the demo's time: decides that it moves in the background, stop by stop, until it is paused or over."""

import logging
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from mlops_core.demo.clock import DEMO_MODEL, DemoClock
from mlops_core.demo.rival import bring_rival
from mlops_core.demo.traffic import deliver, find_next_label_file, list_stops
from mlops_core.entities import ModelSpec
from mlops_core.errors import ConflictError, MLOpsError, UnfinishedError
from mlops_core.services.alternatives import refresh_alternatives
from mlops_core.services.automation import apply_policy
from mlops_core.services.runtime import Runtime
from mlops_core.services.shadow import keep_shadow

STEP, LONG_STEP = timedelta(hours=6), timedelta(days=1)
"""How often a play of up to a day, and a longer one, stops to check."""
LAST_FLIGHT_SCORED = datetime(2014, 1, 1, 4, tzinfo=UTC)
END = find_next_label_file(LAST_FLIGHT_SCORED)
"""The last label file; after it nothing more happens in the demo."""
ENDLESS = END - datetime(2013, 1, 1, tzinfo=UTC)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayState:
    """Where the playing stands."""

    is_playing: bool = False
    start: datetime | None = None
    """Where this play began; None before the first."""
    until: datetime | None = None
    """Where it will stop."""
    at: datetime | None = None
    """How far it has come."""
    error: str | None = None
    """Why it stopped early; None when it did not."""

    @property
    def fraction(self) -> float:
        """Share of this play that is done, 0–1."""
        if not (self.start and self.until and self.at) or self.until <= self.start:
            return 0.0
        return (self.at - self.start) / (self.until - self.start)


class DemoReplay:
    """The one player of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paused = threading.Event()
        self._state = ReplayState()

    def state(self) -> ReplayState:
        """Say how far it is."""
        return self._state

    def play(self, runtime: Runtime, spec: ModelSpec, length: timedelta = ENDLESS) -> None:
        """Play a length of time, or to the end, in the background; return at once.

        Raises
        ------
        ConflictError
            When it plays already, the model is not the demo's, or the demo is at its end.
        """
        clock = runtime.clocks.get(spec.name)
        if spec.name != DEMO_MODEL or not isinstance(clock, DemoClock):
            raise ConflictError(f"{spec.name} is not the demo; its time cannot be played.")
        with self._lock:
            if self._state.is_playing:
                raise ConflictError("The demo is playing already; pause it first.")
            start = clock()
            if start >= END:
                raise ConflictError("The demo has reached its end; the year is over.")
            self._paused.clear()
            until = min(start + length, END)
            self._state = ReplayState(is_playing=True, start=start, until=until, at=start)
        arguments = (runtime, spec, clock, until)
        threading.Thread(target=self._run, args=arguments, name="demo-replay", daemon=True).start()

    def is_pausing(self) -> bool:
        """Say whether it was asked to pause and has not come to the end of its step."""
        return self._state.is_playing and self._paused.is_set()

    def pause(self) -> None:
        """Stop after the present step."""
        self._paused.set()

    def _run(self, runtime: Runtime, spec: ModelSpec, clock: DemoClock, until: datetime) -> None:
        error = None
        try:
            self._advance(runtime, spec, clock, until)
        except MLOpsError as failure:
            _log.warning("Playing the demo failed: %s", failure.message)
            error = failure.message
        except Exception:  # noqa: BLE001  the thread's edge: nobody else would hear of it
            _log.exception("Playing the demo failed")
            error = "Playing failed; the app's log says why."
        self._state = replace(self._state, is_playing=False, error=error)

    def _advance(self, runtime: Runtime, spec: ModelSpec, clock: DemoClock, until: datetime) -> None:
        start = clock()
        step = STEP if until - start <= LONG_STEP else LONG_STEP
        for moment in list_stops(start, until, step):
            if self._paused.is_set():
                return
            with runtime.schedule.turn:
                try:
                    deliver(runtime, spec, start, moment)
                except UnfinishedError as error:
                    # All was delivered and stored; the checks that run by themselves tell it on every page.
                    _log.warning("%s", error.message)
                is_label_file = moment == find_next_label_file(moment - timedelta(microseconds=1))
                if is_label_file and not self._paused.is_set():
                    refresh_alternatives(runtime, spec, moment)
                bring_rival(runtime, spec, start, moment)
                clock.set(moment)
                _shadow(runtime, spec, moment)
                apply_policy(runtime, spec, moment)
            start = moment
            self._state = replace(self._state, at=moment)


def _shadow(runtime: Runtime, spec: ModelSpec, moment: datetime) -> None:
    """Let the challenger score; where it cannot, the demo plays on, and the job that does it by itself tells why."""
    try:
        keep_shadow(runtime, spec, moment)
    except MLOpsError as error:
        _log.warning("%s", error.message)


demo_replay = DemoReplay()
