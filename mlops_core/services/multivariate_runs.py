"""Long measurements of this process: decides that one runs at a time for a question, and outlives leaving the page."""

import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from mlops_core.errors import MLOpsError
from mlops_core.services.multivariate import Multivariate, Report

MOST_KEPT = 20
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Run:
    """One measurement, while it runs and afterwards."""

    fraction: float = 0.0
    """Done, 0 to 1."""
    step: str = "Starting"
    found: Multivariate | None = None
    error: str | None = None
    """Why it ended without a result."""

    @property
    def is_over(self) -> bool:
        """Whether there is a result or an error."""
        return self.found is not None or self.error is not None


class MultivariateRuns:
    """The measurements of this process by what they measure; the newest ones are kept."""

    def __init__(self) -> None:
        self._runs: dict[Hashable, Run] = {}
        self._lock = threading.Lock()

    def find(self, key: Hashable) -> Run | None:
        """Give the measurement of a question; None when it was not asked."""
        return self._runs.get(key)

    def start(self, key: Hashable, measure: Callable[[Report], Multivariate]) -> Run:
        """Measure in a thread of its own, unless the same is being measured already."""
        with self._lock:
            known = self._runs.get(key)
            if known is not None and not known.is_over:
                return known
            run = self._runs[key] = Run()
            for old in [one for one, other in self._runs.items() if other.is_over][:-MOST_KEPT]:
                del self._runs[old]
        threading.Thread(target=self._carry_out, args=(run, measure), name="multivariate", daemon=True).start()
        return run

    def _carry_out(self, run: Run, measure: Callable[[Report], Multivariate]) -> None:
        def report(fraction: float, step: str) -> None:
            run.fraction, run.step = fraction, step

        try:
            run.found = measure(report)
        except MLOpsError as error:
            run.error = error.message
        except Exception:  # noqa: BLE001  a thread has no edge above it that would log the failure
            _log.exception("A multivariate measurement failed")
            run.error = "The measurement failed; the log of the app says why."


multivariate_runs = MultivariateRuns()
