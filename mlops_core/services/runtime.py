"""What one process has open: decides what a service may reach."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from mlops_core.config import Home
from mlops_core.services.artifact_host import ArtifactHost
from mlops_core.services.background import BackgroundRuns
from mlops_core.services.run_follower import RunFollower
from mlops_core.services.schedule import Schedule
from mlops_core.services.shifts import ShiftCache
from mlops_core.store.connection import Database
from mlops_core.store.migrations import migrate
from mlops_core.wall_clock import read_wall_clock

REPLAY_LIMIT_S = 60.0
"""Time that one batch of a replay may take."""

Clock = Callable[[], datetime]


@dataclass(slots=True, kw_only=True)
class Runtime:
    """The open home: database, artifacts, and clocks."""

    home: Home
    database: Database
    artifacts: ArtifactHost
    """Where preflights load, and small numbers of rows are scored."""
    replays: ArtifactHost
    """Where logged traffic is scored again: a version that hangs there keeps no rollback waiting."""
    clocks: dict[str, Clock] = field(default_factory=dict)
    """The clock of each model whose time is not the machine's."""
    shifts: ShiftCache = field(default_factory=ShiftCache)
    """The drift of chunks that were looked at lately."""
    background: BackgroundRuns = field(default_factory=BackgroundRuns)
    """Long work that somebody on a page asked for."""
    training: RunFollower
    """What carries training runs out, from the first order on."""
    schedule: Schedule = field(default_factory=Schedule)
    """How the jobs that run by themselves stand."""

    @classmethod
    def open(cls, home: Home) -> "Runtime":
        """Open a home, creating it when it is new.

        Raises
        ------
        HomeError
            When it is open elsewhere, damaged, newer, read-only, or full.
        """
        database = Database.open(home.database, home.running)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return cls(
            home=home,
            database=database,
            artifacts=ArtifactHost(home.artifacts),
            replays=ArtifactHost(home.artifacts, REPLAY_LIMIT_S),
            training=RunFollower(home),
        )

    def now(self, model: str) -> datetime:
        """Give the present time as a model sees it."""
        return self.clocks.get(model, read_wall_clock)()

    def close(self) -> None:
        """Close everything, after what runs in the background was cancelled."""
        self.background.stop()
        self.training.stop()
        self.artifacts.close()
        self.replays.close()
        self.database.close()
