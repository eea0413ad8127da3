"""Model files: decides that they are named by content hash and loaded only after hash and types were checked."""

import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any

from mlops_core.errors import HomeError, NotFoundError, PreflightError
from mlops_core.words import write_size

TRUSTED_TYPES = (
    "functools.partial",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
)
"""Types beyond skops' own list that standard estimators are made of; none of them runs code from the file."""

TRUSTED_TYPES_OF = {
    "lightgbm": ("collections.OrderedDict", "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier"),
    "xgboost": ("xgboost.core.Booster", "xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRFClassifier"),
}
"""The same for other packages: their boosters hand the trees to a reader of their own, which runs no code either."""
PARTIAL = ".partial"
"""How the name of a file ends that is not whole yet; it begins with a dot."""


def hash_bytes(content: bytes) -> str:
    """Give the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def store_file(folder: Path, content: bytes, suffix: str) -> str:
    """Write content to a file named by its SHA-256, whole or not at all, and give the hash.

    The file's mode is 600. A file that is there already is left as it is.
    """
    digest = hash_bytes(content)
    target = folder / f"{digest}{suffix}"
    if not target.exists():
        with writing_whole(target) as partial:
            partial.write_bytes(content)
    return digest


def explain_failed_write(target: Path, error: OSError) -> HomeError:
    """Give the error that says why a file cannot be written, and what mends both of the usual causes."""
    # Arrow puts words of its own around those of the system.
    reason = os.strerror(error.errno) if error.errno else error
    room = ""
    if error.errno == errno.ENOSPC:
        room = f", {write_size(measure_free(target))} are free and it needs more"
    return HomeError(f"{target} cannot be written: {reason}{room}. Free some space or mend its permissions.")


def measure_free(path: Path) -> int:
    """Give the bytes that are free on the disk of a path, whether or not it is there."""
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    return shutil.disk_usage(there).free


@contextmanager
def writing_whole(target: Path) -> Iterator[Path]:
    """Give a path to write to; the file is moved to its place when it is whole and on disk, else it goes.

    The file's mode is 600; its folder is made when missing.

    Raises
    ------
    HomeError
        When the disk is full or read-only.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}{PARTIAL}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.touch(mode=0o600)
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        # Gone before it is told how much is free.
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise explain_failed_write(target, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def locate_artifact(folder: Path, artifact_hash: str) -> Path:
    """Give the path of an artifact, whether or not it is there."""
    return folder / f"{artifact_hash}.skops"


def read_checked(path: Path, artifact_hash: str) -> bytes:
    """Read an artifact and check its hash.

    Raises
    ------
    NotFoundError
        When the file is gone.
    PreflightError
        When its content is not what was registered.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"The artifact {path.name} cannot be read: {error.strerror}.") from error
    found = hash_bytes(content)
    if found != artifact_hash:
        raise PreflightError(
            f"The artifact is damaged: its SHA-256 is {found[:12]}…, registered was {artifact_hash[:12]}…. "
            "Put the file back from a backup.",
            {"found": found, "registered": artifact_hash},
        )
    return content


def load_estimator(content: bytes) -> Any:
    """Load a scikit-learn estimator from checked bytes; imports scikit-learn, so call it in a child process.

    Raises
    ------
    PreflightError
        When the file holds a type that is not on the allow-list, or is not a skops file.
    """
    from skops.io import get_untrusted_types, loads

    trusted = {*TRUSTED_TYPES, *chain(*TRUSTED_TYPES_OF.values())}
    try:
        refused = sorted(set(get_untrusted_types(data=content)) - trusted)
        if refused:
            raise PreflightError(
                f"The artifact holds the type {refused[0]!r}, which is not on the allow-list. Accepted are classifiers "
                "and transformers of scikit-learn, pipelines of them, LGBMClassifier, and XGBClassifier, without "
                "functions and classes of one's own.",
                {"types": refused},
            )
        return loads(content, trusted=sorted(trusted))
    except PreflightError:
        raise
    except Exception as error:
        raise PreflightError(f"The artifact cannot be loaded: {type(error).__name__}: {error}.") from error


def list_packages(content: bytes) -> list[str]:
    """Name the packages other than scikit-learn that an artifact's estimator comes from, as in ["xgboost"]."""
    from skops.io import get_untrusted_types

    held = {name.partition(".")[0] for name in get_untrusted_types(data=content)}
    return sorted(held & set(TRUSTED_TYPES_OF))
