"""Training the demo's versions: decides that it runs beside the story, in a process of its own."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from mlops_core.entities import Actor
from mlops_core.errors import MLOpsError
from mlops_core.services.child import ChildProcess
from mlops_core.services.registry import TrainedVersion

if TYPE_CHECKING:
    from mlops_core.demo.training import VersionRecipe


RELEASES = Actor("release pipeline", "system")
"""Who brings the demo's versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version's place in the story."""

    name: str
    at: datetime
    """When it goes into production."""


@contextmanager
def start_trainer(task: str = "train_all", *arguments: str) -> Iterator[Connection]:
    """Start the process that trains; it ends with the block, or with this process."""
    child = ChildProcess(f"{__name__}:{task}", *arguments)
    try:
        yield child.pipe
    finally:
        child.kill()


def send_frame(trainer: Connection, frame: pd.DataFrame) -> None:
    """Hand over the training table of the year, which starts the training."""
    # A process that has ended is told of when its first answer is waited for.
    with suppress(OSError):
        trainer.send(frame)


def receive_releases(trainer: Connection) -> list[Release]:
    """Wait for the list of the versions to come.

    Raises
    ------
    MLOpsError
        When the process has ended.
    """
    try:
        releases: list[Release] = trainer.recv()
    except (EOFError, OSError) as error:
        raise MLOpsError("The process that trains ended before it began; the log says why.") from error
    return releases


def receive_trained(trainer: Connection, name: str) -> TrainedVersion:
    """Wait for the next version, which has this name.

    Raises
    ------
    MLOpsError
        When it could not be trained.
    """
    try:
        answer: TrainedVersion | MLOpsError = trainer.recv()
    except (EOFError, OSError) as error:
        raise MLOpsError(f"The process that trains ended at {name}, perhaps for want of memory.") from error
    if isinstance(answer, MLOpsError):
        raise answer
    return answer


def train_all(pipe: Connection) -> None:
    """Take the frame, give the releases, then train and give one version after the other; runs in the child.

    So training goes on while the story of an earlier version is told, and the app need not import scikit-learn.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from mlops_core.demo.training import list_versions

    recipes = list_versions()
    with suppress(EOFError, BrokenPipeError), ThreadPoolExecutor(1) as sender:
        frame = pipe.recv()
        pipe.send([Release(name=recipe.name, at=recipe.promoted_at) for recipe in recipes])
        for recipe in recipes:
            # Sent from a thread: a version waits in the pipe until its time has come.
            sender.submit(pipe.send, _train_or_explain(frame, recipe))


def train_rival(pipe: Connection, name: str) -> None:
    """Build the training table, and train and give the one version that becomes the challenger; runs in the child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from mlops_core.demo.data import load_tables
    from mlops_core.demo.features import build_features
    from mlops_core.demo.training import make_rival

    with suppress(BrokenPipeError):
        pipe.send(_train_or_explain(build_features(load_tables()), make_rival(name)))


def _train_or_explain(frame: pd.DataFrame, recipe: "VersionRecipe") -> TrainedVersion | MLOpsError:
    try:
        return train_recipe(frame, recipe)
    except Exception as error:  # noqa: BLE001  the process's edge: nobody else would hear of it
        return MLOpsError(f"{recipe.name} cannot be trained: {type(error).__name__}: {error}.")


def train_recipe(frame: pd.DataFrame, recipe: "VersionRecipe") -> TrainedVersion:
    """Train one version on the labels that had arrived by its promotion; imports scikit-learn.

    Parameters
    ----------
    frame : pd.DataFrame
        The training table of the year, as `build_features` gives it.
    """
    import skops.io

    from mlops_core.demo.training import code_id, select_rows, train_version
    from mlops_core.services.libraries import list_libraries

    started = time.perf_counter()
    model = train_version(frame, recipe)
    seconds = time.perf_counter() - started
    columns = ["prediction_id", "scored_at", "label", *recipe.features]
    rows = pa.Table.from_pandas(select_rows(frame, recipe)[columns], preserve_index=False)
    rows = rows.append_column("held_out", pa.array(model.held_out))
    parameters = {key: value for key, value in model.estimator.get_params().items() if value is not None}
    return TrainedVersion(
        name=recipe.name,
        features=recipe.features,
        parameters=parameters
        | {"rows_fitted": model.n_fitted, "rows_held_out": model.n_holdout, "training_seconds": round(seconds, 1)},
        offline_metrics={metric.value: value for metric, value in model.offline.items()},
        rows=rows,
        code_id=code_id(),
        artifact=skops.io.dumps(model.estimator),
        libraries=list_libraries(),
    )
