"""Whether this Driftdeck can work: decides what counts as a problem and what mends it."""

import errno
import platform
import shutil
import socket
import sqlite3
import stat
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from mlops_core.artifacts import locate_artifact, read_checked
from mlops_core.config import PROJECT, RUNS_URL, Home, locate_run_records
from mlops_core.errors import MLOpsError
from mlops_core.frozen_rows import hash_rows, locate_rows
from mlops_core.services.policy_trouble import find_trouble, tell_trouble
from mlops_core.services.runtime import Runtime
from mlops_core.services.snapshots import explain_content
from mlops_core.store.models import list_models
from mlops_core.store.runs import list_open_runs

LEAST_FREE_BYTES = 2 * 10**9
"""Room for the database to grow, to be compacted, and for temporary files."""

CONNECT_S = 5
"""How long a database on another machine may take to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check of the doctor found."""

    name: str
    passed: bool
    detail: str
    remedy: str | None = None
    """What to do; None when it passed."""


@cache
def read_app_version() -> str:
    """Give the version of this Driftdeck, which pyproject.toml alone states."""
    return str(_read_project()["version"])


def describe_health(runtime: Runtime) -> dict[str, object]:
    """Give the facts that show an app answers, cheaply."""
    files = (runtime.database.path, runtime.database.path.with_name(runtime.database.path.name + ".wal"))
    return {
        "status": "ok",
        "version": read_app_version(),
        "schema": runtime.database.rows("list_migrations")[-1]["number"],
        "models": len(list_models(runtime.database)),
        "database_bytes": sum(file.stat().st_size for file in files if file.exists()),
        "jobs": [asdict(state) for state in runtime.schedule.list_states()],
        "training": {
            "open_runs": len(list_open_runs(runtime.database)),
            "problem": runtime.training.problem or None,
        },
        "policies": [
            {"model": made.model, "decision": made.decision.value, "since": made.at, "problem": tell_trouble(made)}
            for spec in list_models(runtime.database)
            if (made := find_trouble(runtime, spec, runtime.now(spec.name)))
        ],
    }


def examine_python() -> Finding:
    """Check the version of Python."""
    required, found = str(_read_project()["requires-python"]), platform.python_version()
    return _find(
        "Python",
        SpecifierSet(required).contains(found, prereleases=True),
        f"{found} runs, {required} is required",
        "install a newer Python, remove .venv, and run `make run`",
    )


def examine_packages() -> Finding:
    """Check that the packages of requirements.in are installed in an accepted version."""
    lines = (PROJECT / "requirements.in").read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(text) for line in lines if (text := line.partition("#")[0].strip())]
    problems = [problem for requirement in wanted if (problem := _examine_package(requirement))]
    return _find(
        "Packages",
        not problems,
        "; ".join(problems) or f"{len(wanted)} packages are installed as required",
        "run `make run` once, or `pip install -r requirements.txt`",
    )


def examine_home(home: Home) -> Finding:
    """Check that the home is there and can be written."""
    remedy = "start the app once, or name another home with --home"
    if not home.path.is_dir():
        return _find("Home", False, f"There is no folder {home.path}", remedy)
    if not home.database.exists():
        return _find("Home", False, f"{home.path} holds no database yet", remedy)
    probe = home.path / ".doctor"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        detail = f"{home.path} cannot be written: {error.strerror}"
        return _find("Home", False, detail, "change its permissions")
    return _find("Home", True, f"{home.path} can be written")


def examine_token(home: Home) -> Finding:
    """Check that only its owner can read the token."""
    if not home.token.exists():
        return _find("Token", True, "not made yet; the first start makes it")
    mode = stat.S_IMODE(home.token.stat().st_mode)
    return _find(
        "Token",
        mode & 0o077 == 0,
        f"{home.token} has mode {mode:o}",
        f"others may have read it: remove {home.token} and start again to get a new one",
    )


def examine_disk(home: Home) -> Finding:
    """Check that there is room to grow."""
    free = shutil.disk_usage(home.path).free
    return _find(
        "Disk",
        free >= LEAST_FREE_BYTES,
        f"{free / 1e9:.1f} GB are free, {LEAST_FREE_BYTES / 1e9:.0f} GB are wanted",
        "free space, or move the home to a larger disk",
    )


def examine_port(host: str, port: int, own_port: int | None) -> Finding:
    """Check that the app can listen, or does already.

    Parameters
    ----------
    own_port : int, optional
        Where the app of this home listens; None when it does not run.
    """
    if port == own_port:
        return _find("Port", True, f"{port} is used by this home's app")
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return _find("Port", True, f"{port} is free")
    except OSError as error:
        reason = "is used by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error}"
        detail = f"{port} on {host} {reason}"
        return _find("Port", False, detail, "choose another one with --port")


def examine_jobs(jobs: Iterable[Mapping[str, object]]) -> Finding:
    """Check that what the running app does by itself succeeds.

    Parameters
    ----------
    jobs : iterable of mapping
        Each with model, job, failures, and message.
    """
    known = list(jobs)
    failing = [f"{job['job']} of {job['model']}: {job['message']}" for job in known if job["failures"]]
    detail = "; ".join(failing) or (f"{len(known)} run by themselves" if known else "none run: the app is not running")
    return _find("Jobs", not failing, detail, "mend what the message names; each is tried again by itself")


def examine_run_records(home: Home) -> Finding:
    """Check that what training runs are durable in can be read: a file of the home, or the database that is named."""
    try:
        url = locate_run_records(home)
    except MLOpsError as error:
        return _find("Runs", False, error.message, f"correct the variable {RUNS_URL}, or unset it")
    if url.startswith("sqlite"):
        return _examine_run_file(home)
    # Not needed, and so not imported, where runs are in the home.
    import psycopg

    remedy = f"start that database, or correct the variable {RUNS_URL}; until then runs wait"
    try:
        with psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=CONNECT_S) as connection:
            return _find("Runs", True, f"the database {connection.info.dbname} on {connection.info.host} answers")
    except psycopg.Error as error:
        return _find("Runs", False, f"The database of {RUNS_URL} cannot be reached: {_shorten(error)}", remedy)


def _examine_run_file(home: Home) -> Finding:
    if not home.run_records.exists():
        return _find("Runs", True, "none were ordered yet")
    remedy = f"stop the app, move {home.run_records} away, and start it again: open runs begin anew"
    try:
        with closing(sqlite3.connect(f"{home.run_records.as_uri()}?mode=ro", uri=True)) as connection:
            (said,) = connection.execute("pragma quick_check(1)").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    detail = f"{home.run_records.name} can be read" if said == "ok" else f"{home.run_records} cannot be read: {said}"
    return _find("Runs", said == "ok", detail, remedy)


def _shorten(error: Exception) -> str:
    """Give what is wrong in one line; a driver adds advice."""
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def examine_training(training: Mapping[str, object]) -> Finding:
    """Check that runs go on in the running app.

    Parameters
    ----------
    training : mapping
        With open_runs and problem.
    """
    n, problem = training["open_runs"], training["problem"]
    detail = str(problem) if problem else f"{n} open runs"
    return _find("Training", not problem, detail, "mend what the message names; runs then go on by themselves")


def examine_policies(policies: Iterable[Mapping[str, object]]) -> Finding:
    """Check that what policies have decided could be carried out.

    Parameters
    ----------
    policies : iterable of mapping
        One for each that could not, with model and problem.
    """
    troubles = [f"{one['model']}: {one['problem']}" for one in policies]
    remedy = "mend what the message names"
    return _find("Policies", not troubles, " ".join(troubles) or "nothing waits to be carried out", remedy)


def examine_artifacts(home: Home, versions: Iterable[Mapping[str, object]]) -> Finding:
    """Check that the artifacts of registered versions are there and are what was registered.

    Parameters
    ----------
    versions : iterable of mapping
        Each with model, version, and artifact_hash.
    """
    known = list(versions)
    damaged = [problem for entry in known if (problem := _examine_artifact(home, entry))]
    held = f"{len(known)} are there, all hashes hold"
    remedy = "put the file back from a backup; until then these versions cannot serve"
    return _find("Artifacts", not damaged, "; ".join(damaged) or held, remedy)


def examine_snapshots(home: Home, snapshots: Iterable[Mapping[str, Any]]) -> Finding:
    """Check that the files of snapshots are there and hold what is on record.

    Parameters
    ----------
    snapshots : iterable of mapping
        Each with model, id, versions, and content (None when its rows were deleted).
    """
    known = list(snapshots)
    problems = [problem for entry in known if (problem := _examine_snapshot(home, entry))]
    held = f"{len(known)} are on record, all hashes hold"
    remedy = (
        "put what is gone or damaged back from a backup, until then these versions cannot be retraced; "
        "erase again what was erased"
    )
    return _find("Snapshots", not problems, "; ".join(problems) or held, remedy)


def _examine_snapshot(home: Home, entry: Mapping[str, Any]) -> str | None:
    path, content = locate_rows(home.snapshots, entry["id"]), entry["content"]
    users = ", ".join(entry["versions"]) or "no version"
    try:
        problem = explain_content(entry["id"], content, hash_rows(pq.read_table(path)))
    except FileNotFoundError:
        problem = f"{entry['id'][:12]}… is gone" if content else None
    except (OSError, pa.ArrowInvalid) as error:
        problem = f"{entry['id'][:12]}… cannot be read ({error})"
    return f"{entry['model']}: the snapshot {problem}, of {users}" if problem else None


def _examine_artifact(home: Home, entry: Mapping[str, object]) -> str | None:
    artifact_hash = str(entry["artifact_hash"])
    try:
        read_checked(locate_artifact(home.artifacts, artifact_hash), artifact_hash)
    except MLOpsError as error:
        return f"{entry['model']} {entry['version']}: {error.message.rstrip('.')}"
    return None


def _examine_package(requirement: Requirement) -> str | None:
    if requirement.marker and not requirement.marker.evaluate():
        return None
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(found, prereleases=True):
        return None
    return f"{requirement.name} is {found}, required is {requirement.specifier}"


def _find(name: str, passed: bool, detail: str, remedy: str | None = None) -> Finding:
    return Finding(name=name, passed=passed, detail=detail, remedy=None if passed else remedy)


def _read_project() -> Mapping[str, object]:
    project: Mapping[str, object] = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    return project
