"""Comparisons and rehearsals as public documents: decides their keys, and which rows they rest on."""

from dataclasses import asdict
from datetime import datetime

from mlops_core.entities import ModelSpec, Window
from mlops_core.errors import ConflictError, InputError
from mlops_core.services.background import Progress
from mlops_core.services.comparison import VersionComparison, compare_versions
from mlops_core.services.deployment import run_preflight
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.rehearsal import find_rehearsal_window, leave_out_learned, rehearse
from mlops_core.services.rehearsal_words import tell_latency, tell_rehearsal
from mlops_core.services.replay import replay_version
from mlops_core.services.runtime import Runtime
from mlops_core.services.unseen import find_unseen
from mlops_core.stats.comparison import MetricDifference
from mlops_core.store.models import get_version


def report_comparison(
    runtime: Runtime,
    spec: ModelSpec,
    champion: str,
    challenger: str,
    asked: Window | None,
    now: datetime,
    progress: Progress | None = None,
) -> dict[str, object]:
    """Compare two versions on the labelled rows of a window, and give the document of the public contract.

    What either has not scored yet it scores now; of more than 50,000 rows a sample.

    Parameters
    ----------
    asked : Window, optional
        Traffic to compare on; the newest that has labels and is new to both when None, at most three weeks of it.

    Raises
    ------
    NotFoundError, InputError
        When a version is unknown; when both are the same.
    ConflictError
        When there are too few labelled rows.
    PreflightError
        When a version cannot score them.
    CancelledError
        When it was cancelled.
    """
    _check_pair(runtime, spec, champion, challenger)
    pair = (champion, challenger)
    learned = find_unseen(runtime, spec, asked, pair).learned if asked else ()
    window = asked or _find_newest(runtime, spec, pair, now)
    missing = _score_both(runtime, spec, pair, window, progress or Progress())
    found = compare_versions(runtime, spec, champion, challenger, window, missing[challenger])
    lacking = {name: list(lacks) for name, lacks in missing.items()}
    return describe_comparison(found) | {"missing": lacking, "learned": list(learned)}


def _find_newest(runtime: Runtime, spec: ModelSpec, pair: tuple[str, str], now: datetime) -> Window:
    newest = find_rehearsal_window(runtime, spec, now)
    if newest is None:
        raise ConflictError(f"{spec.name} has no {spec.words.rows} with labels to compare on yet.")
    return leave_out_learned(runtime, spec, newest, pair)[0]


def _score_both(
    runtime: Runtime, spec: ModelSpec, pair: tuple[str, str], window: Window, told: Progress
) -> dict[str, tuple[str, ...]]:
    """Let both score what they have not scored; give the features that no row has, by version."""
    told.report(0.0, f"Looking for {spec.words.rows} that one has not scored yet")
    missing = {name: replay_version(runtime, spec, name, window, told).missing for name in pair}
    told.report(0.7, "Counting what was scored")
    count_waiting(runtime, spec)
    told.report(0.8, "Comparing")
    return missing


def describe_comparison(comparison: VersionComparison) -> dict[str, object]:
    """Give the document of a comparison; differences are challenger − champion, turned so that positive is better."""
    paired = comparison.paired
    return {
        "model": comparison.model,
        "champion": comparison.champion,
        "challenger": comparison.candidate,
        "n": paired.n,
        "metrics": [_describe_difference(found) for found in paired.metrics.values()],
        "window": {"start": comparison.start.isoformat(), "end": comparison.end.isoformat()},
        "n_logged": comparison.n_logged,
        "missing": {comparison.champion: [], comparison.candidate: list(comparison.missing)},
        "learned": [],
        "flips": {"share": paired.flips.share, "n": paired.flips.n},
        "segments": [
            {
                "column": comparison.segment_column,
                "segment": one.segment,
                "n": one.n,
                **_describe_difference(one.difference),
            }
            for one in comparison.segments
        ],
    }


def report_rehearsal(
    runtime: Runtime, spec: ModelSpec, to: str, now: datetime, progress: Progress | None = None
) -> dict[str, object]:
    """Find out what is to be known of a version before it goes into production, and give it as a document.

    Raises
    ------
    NotFoundError
        When the version is unknown.
    ConflictError
        When the version is in production.
    CancelledError
        When it was cancelled.
    """
    found = rehearse(runtime, spec, to, now, progress)
    preflight = run_preflight(runtime, spec.name, to)
    comparison = found.comparison
    sentence, detail = tell_rehearsal(comparison, spec) if comparison else (f"No rehearsal: {found.remark}", "")
    return {
        "model": spec.name,
        "champion": found.champion,
        "version": to,
        "sentence": sentence,
        "detail": f"{detail} {tell_latency(to, found.latency)}".strip(),
        "verdict": comparison.paired.get_difference(spec.primary_metric).judgement.value if comparison else None,
        "window": {"start": comparison.start.isoformat(), "end": comparison.end.isoformat()} if comparison else None,
        "comparison": describe_comparison(comparison) if comparison else None,
        "passed": preflight.passed,
        "preflight": [asdict(check) for check in (*preflight.checks, *found.checks)],
        "latency": {name: asdict(latency) for name, latency in found.latency.items()},
    }


def _check_pair(runtime: Runtime, spec: ModelSpec, champion: str, challenger: str) -> None:
    for name in (champion, challenger):
        get_version(runtime.database, spec.name, name)
    if champion == challenger:
        raise InputError(f"{champion} cannot be compared with itself; name two versions of {spec.name}.")


def _describe_difference(found: MetricDifference) -> dict[str, object]:
    return {
        "metric": found.metric.value,
        "champion": found.champion,
        "challenger": found.candidate,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "verdict": found.judgement.value,
    }
