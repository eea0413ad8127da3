"""Where model code runs: decides that artifacts are loaded and score in a warm child, never in the app.

What takes more time or memory than it may ends with its child; the next request starts another one.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from mlops_core.artifacts import load_estimator, locate_artifact, read_checked
from mlops_core.errors import CancelledError, MLOpsError, PreflightError
from mlops_core.services.child import ChildProcess, limit_memory

if TYPE_CHECKING:
    import pandas as pd

TIME_LIMIT_S = 120.0
MEMORY_LIMIT_BYTES = 4 * 10**9
"""Memory that a child may take; Python with scikit-learn takes 0.3 GB of it."""
ONE_ROW_TIMES, BATCH_TIMES = 20, 5
"""How often scoring is timed."""
POLL_S = 0.1
"""How often a request looks whether it is still wanted."""
WARM_ARTIFACTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long an artifact takes to score, in milliseconds, at the median of several times."""

    one_row_ms: float
    batch_ms: float
    batch_rows: int


class Scorer(Protocol):
    """What an artifact must be able to do."""

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Give the probability of each class, shape (n, 2)."""


class ArtifactHost:
    """One child process that answers one request at a time and is started again when it died.

    Parameters
    ----------
    folder : Path
        Where the artifacts lie.
    time_limit_s : float
        A request that takes longer ends with its child.
    memory_limit_bytes : int
        A request that needs more fails.
    """

    def __init__(
        self, folder: Path, time_limit_s: float = TIME_LIMIT_S, memory_limit_bytes: int = MEMORY_LIMIT_BYTES
    ) -> None:
        self._folder = folder
        self._time_limit_s = time_limit_s
        self._memory_limit_bytes = memory_limit_bytes
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None

    def warm_up(self) -> None:
        """Start the child and let it import scikit-learn, without waiting."""
        with self._lock:
            self._ensure_child()

    def check(self, artifact_hash: str) -> float:
        """Read, hash, and load an artifact anew; give the milliseconds it took.

        Raises
        ------
        PreflightError, NotFoundError
            When it is damaged, refused, or gone.
        """
        load_ms: float = self._ask("check", artifact_hash, None)
        return load_ms

    def score(self, artifact_hash: str, rows: pa.Table, is_cancelled: Callable[[], bool] = lambda: False) -> np.ndarray:
        """Give the probability of the positive class for each row, shape (n,), float64, 0–1.

        Parameters
        ----------
        rows : pa.Table
            The version's features, in its order.
        is_cancelled : callable
            Says whether the answer is no longer wanted; it is asked while waiting.

        Raises
        ------
        PreflightError, NotFoundError
            When the artifact cannot score these rows, takes too long, or needs too much memory.
        CancelledError
            When the answer is no longer wanted.
        """
        scores: np.ndarray = self._ask("score", artifact_hash, rows, is_cancelled)
        return scores

    def measure_latency(
        self, artifact_hash: str, rows: pa.Table, is_cancelled: Callable[[], bool] = lambda: False
    ) -> Latency:
        """Measure how long an artifact takes for one row, and for all of them at once.

        Parameters
        ----------
        rows : pa.Table
            The version's features, in its order; at least one row.

        Raises
        ------
        PreflightError, NotFoundError, CancelledError
            As of `score`.
        """
        latency: Latency = self._ask("measure", artifact_hash, rows, is_cancelled)
        return latency

    def close(self) -> None:
        """End the child, whatever it does."""
        child = self._child
        if child is not None:
            child.kill()
        with self._lock:
            self._end_child()

    def _ask(
        self,
        request: str,
        artifact_hash: str,
        rows: pa.Table | None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> Any:
        with self._taking_turn(is_cancelled):
            pipe = self._ensure_child()
            try:
                pipe.send((request, artifact_hash, rows))
                self._wait(pipe, is_cancelled)
                answer = pipe.recv()
            except CancelledError:
                self._end_child()
                raise
            except (EOFError, OSError, TimeoutError) as error:
                self._end_child()
                reason = "ended the process that loaded it"
                if isinstance(error, TimeoutError):
                    reason = f"took longer than the {self._time_limit_s:g} s that are allowed"
                raise PreflightError(f"The artifact {artifact_hash[:12]}… {reason}.") from error
        if isinstance(answer, MLOpsError):
            raise answer
        return answer

    @contextmanager
    def _taking_turn(self, is_cancelled: Callable[[], bool]) -> Iterator[None]:
        """Wait until other requests are answered, or until the answer is no longer wanted."""
        while not self._lock.acquire(timeout=POLL_S):
            if is_cancelled():
                raise CancelledError("It was cancelled while it waited for another version; nothing of it is kept.")
        try:
            yield
        finally:
            self._lock.release()

    def _wait(self, pipe: Connection, is_cancelled: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._time_limit_s
        while not pipe.poll(POLL_S):
            if is_cancelled():
                raise CancelledError("It was cancelled while a version scored; nothing of it is kept.")
            if time.monotonic() > deadline:
                raise TimeoutError

    def _ensure_child(self) -> Connection:
        if self._child is None or not self._child.is_alive():
            self._end_child()
            self._child = ChildProcess(f"{__name__}:serve_artifacts", str(self._folder), str(self._memory_limit_bytes))
        return self._child.pipe

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


def serve_artifacts(pipe: Connection, folder_name: str, memory_limit_bytes: str) -> None:
    """Answer requests until the app is gone; runs in the child."""
    folder, limit = Path(folder_name), limit_memory(int(memory_limit_bytes))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Threads that wait for each other spin: on a busy machine two are many times slower than one.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import skops.io  # noqa: F401  the import is what warms the child up

    while True:
        try:
            request, artifact_hash, rows = pipe.recv()
        except EOFError:
            return
        try:
            if request == "check":
                answer: object = _measure_load(folder, artifact_hash)
            elif request == "measure":
                answer = _measure_scoring(folder, artifact_hash, rows)
            else:
                answer = _score(folder, artifact_hash, rows)
        except MLOpsError as error:
            answer = error
        except MemoryError:
            answer = PreflightError(
                f"The artifact needs more than the {limit / 1e9:.1f} GB of memory that it may take."
            )
        except Exception as error:  # noqa: BLE001  whatever model code raises is the answer
            answer = PreflightError(f"The artifact cannot score: {type(error).__name__}: {error}.")
        pipe.send(answer)


def _measure_load(folder: Path, artifact_hash: str) -> float:
    started = time.perf_counter()
    load_estimator(read_checked(locate_artifact(folder, artifact_hash), artifact_hash))
    return (time.perf_counter() - started) * 1000


def _measure_scoring(folder: Path, artifact_hash: str, rows: pa.Table) -> Latency:
    def take(part: pa.Table, times: int) -> float:
        taken = []
        for _ in range(times):
            started = time.perf_counter()
            _score(folder, artifact_hash, part)
            taken.append((time.perf_counter() - started) * 1000)
        return median(taken)

    # The first time also loads, and tells nothing of scoring.
    _score(folder, artifact_hash, rows.slice(0, 1))
    return Latency(
        one_row_ms=take(rows.slice(0, 1), ONE_ROW_TIMES), batch_ms=take(rows, BATCH_TIMES), batch_rows=rows.num_rows
    )


@lru_cache(maxsize=WARM_ARTIFACTS)
def _load_once(folder: Path, artifact_hash: str) -> Scorer:
    scorer: Scorer = load_estimator(read_checked(locate_artifact(folder, artifact_hash), artifact_hash))
    return scorer


def _score(folder: Path, artifact_hash: str, rows: pa.Table) -> np.ndarray:
    given = _load_once(folder, artifact_hash).predict_proba(rows.to_pandas())
    scores = np.asarray(given[:, 1], dtype=np.float64)
    if scores.shape != (rows.num_rows,):
        raise PreflightError(f"The artifact gave scores of shape {scores.shape} for {rows.num_rows:,} rows.")
    odd = ~((scores >= 0) & (scores <= 1))
    if odd.any():
        raise PreflightError(
            f"The artifact gave the score {scores[odd][0]} for {int(odd.sum()):,} of {scores.size:,} rows; "
            "accepted are chances from 0 to 1."
        )
    return scores
