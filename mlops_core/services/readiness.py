"""Beside the preflight: decides what is told of a version that nothing forbids, before it goes into production."""

from datetime import datetime

from mlops_core.entities import ModelSpec, PreflightCheck, Version, Window
from mlops_core.errors import ConflictError, MLOpsError
from mlops_core.services.artifact_host import Latency
from mlops_core.services.background import Progress
from mlops_core.services.drift_report import compare_windows, find_newest_chunks
from mlops_core.services.libraries import find_differences, list_libraries
from mlops_core.services.runtime import Runtime
from mlops_core.stats.groups import count_groups
from mlops_core.store.features import ALL_TRAFFIC
from mlops_core.store.samples import sample_rows
from mlops_core.words import write_share, write_span

MOST_UNSEEN = 0.01
"""Share of rows with a category that training did not have, from which on it is a doubt."""
LATENCY_ROWS = 1_000
SEED = 0


def inspect_version(runtime: Runtime, spec: ModelSpec, version: Version, now: datetime) -> list[PreflightCheck]:
    """Compare what a version was trained with and on with what there is now; nothing of it forbids a change."""
    return [_compare_libraries(version), _look_for_categories(runtime, spec, version, now)]


def measure_latency(
    runtime: Runtime, spec: ModelSpec, version: Version, window: Window, progress: Progress
) -> Latency | None:
    """Measure how long a version takes for logged rows of a window; None without any.

    Raises
    ------
    PreflightError, NotFoundError
        When its artifact cannot score them.
    CancelledError
        When it was cancelled.
    """
    known = [name for name in version.features if name in spec.columns.features]
    rows = sample_rows(runtime.database, spec, window, known, LATENCY_ROWS, SEED).drop_columns(["scored_at"])
    if rows.num_rows == 0 or len(known) < len(version.features):
        return None
    return runtime.replays.measure_latency(version.artifact_hash, rows, progress.is_cancelled)


def _compare_libraries(version: Version) -> PreflightCheck:
    differences = find_differences(version.libraries, list_libraries(version.libraries))
    detail = f"Trained with the libraries that are here: {', '.join(_name(version))}."
    if not version.libraries:
        detail = f"Nobody said with which libraries {version.name} was trained."
    elif differences:
        detail = (
            f"Trained with other libraries: {'; '.join(differences)}. Its scores may differ from those in training."
        )
    return PreflightCheck(name="libraries", passed=True, detail=detail, is_doubt=bool(differences))


def _name(version: Version) -> list[str]:
    return [f"{name} {known}" for name, known in version.libraries.items()]


def _look_for_categories(runtime: Runtime, spec: ModelSpec, version: Version, now: datetime) -> PreflightCheck:
    """Say which share of the newest rows has categories that the version was not trained on."""
    try:
        window = find_newest_chunks(runtime, spec, now)
        table, _ = compare_windows(runtime, spec, version, window, now, ALL_TRAFFIC)
    except ConflictError as error:
        return PreflightCheck(name="categories", passed=True, detail=f"New categories are not known: {error.message}")
    except MLOpsError as error:
        detail = f"New categories could not be looked for: {error.message}"
        return PreflightCheck(name="categories", passed=True, detail=detail, is_doubt=True)
    shares = {}
    for name in table.features:
        if name in version.features and name in spec.columns.categorical:
            counts = table.counts[name]
            unseen = int(count_groups(counts, table.known[name].groups)[0, -2])
            shares[name] = unseen / max(int(counts.n[0]), 1)
    since = write_span(window.start, window.end, spec.timezone)
    found = {name: share for name, share in sorted(shares.items(), key=lambda one: -one[1]) if share > 0}
    if not found:
        kind = "No categorical feature is read." if not shares else f"No category of {since} is new to {version.name}."
        return PreflightCheck(name="categories", passed=True, detail=kind)
    told = "; ".join(f"{name} in {write_share(share)} of rows" for name, share in found.items())
    return PreflightCheck(
        name="categories",
        passed=True,
        detail=f"Categories of {since} that {version.name} was not trained on: {told}.",
        is_doubt=max(found.values()) >= MOST_UNSEEN,
    )
