"""Where model code runs: decides that artifacts are loaded and score in one warm child, never in the app."""

import os
import signal
import threading
import time
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from mlops_core.artifacts import load_estimator, locate_artifact, read_checked
from mlops_core.errors import MLOpsError, PreflightError
from mlops_core.services.child import ChildProcess

if TYPE_CHECKING:
    import pandas as pd

TIME_LIMIT_S = 120.0
WARM_ARTIFACTS = 8


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
    """

    def __init__(self, folder: Path, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._folder = folder
        self._time_limit_s = time_limit_s
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

    def score(self, artifact_hash: str, rows: pa.Table) -> np.ndarray:
        """Give the probability of the positive class for each row, shape (n,), float64, 0–1.

        Parameters
        ----------
        rows : pa.Table
            The version's features, in its order.
        """
        scores: np.ndarray = self._ask("score", artifact_hash, rows)
        return scores

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end_child()

    def _ask(self, request: str, artifact_hash: str, rows: pa.Table | None) -> Any:
        with self._lock:
            pipe = self._ensure_child()
            try:
                pipe.send((request, artifact_hash, rows))
                if not pipe.poll(self._time_limit_s):
                    raise TimeoutError
                answer = pipe.recv()
            except (EOFError, OSError, TimeoutError) as error:
                self._end_child()
                reason = "took too long" if isinstance(error, TimeoutError) else "ended the process that loaded it"
                raise PreflightError(f"The artifact {artifact_hash[:12]}… {reason}.") from error
        if isinstance(answer, MLOpsError):
            raise answer
        return answer

    def _ensure_child(self) -> Connection:
        if self._child is None or not self._child.is_alive():
            self._end_child()
            self._child = ChildProcess(f"{__name__}:serve_artifacts", str(self._folder))
        return self._child.pipe

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


def serve_artifacts(pipe: Connection, folder_name: str) -> None:
    """Answer requests until the app is gone; runs in the child."""
    folder = Path(folder_name)
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
            else:
                answer = _score(folder, artifact_hash, rows)
        except MLOpsError as error:
            answer = error
        except Exception as error:  # noqa: BLE001  whatever model code raises is the answer
            answer = PreflightError(f"The artifact cannot score: {type(error).__name__}: {error}.")
        pipe.send(answer)


def _measure_load(folder: Path, artifact_hash: str) -> float:
    started = time.perf_counter()
    load_estimator(read_checked(locate_artifact(folder, artifact_hash), artifact_hash))
    return (time.perf_counter() - started) * 1000


@lru_cache(maxsize=WARM_ARTIFACTS)
def _load_once(folder: Path, artifact_hash: str) -> Scorer:
    scorer: Scorer = load_estimator(read_checked(locate_artifact(folder, artifact_hash), artifact_hash))
    return scorer


def _score(folder: Path, artifact_hash: str, rows: pa.Table) -> np.ndarray:
    return np.asarray(_load_once(folder, artifact_hash).predict_proba(rows.to_pandas())[:, 1], dtype=np.float64)
