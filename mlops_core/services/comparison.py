"""Two versions on the same traffic: decides which rows are scored again and what is kept of the comparison."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from mlops_core.checks.performance import LEAST_LABELS
from mlops_core.entities import Metric, ModelSpec, Window
from mlops_core.errors import ConflictError
from mlops_core.services.replay import sample_window
from mlops_core.services.runtime import Runtime
from mlops_core.stats.comparison import (
    COMPARABLE_METRICS,
    COMPARED_METRICS,
    MetricDifference,
    PairedComparison,
    compare_paired,
)
from mlops_core.stats.decisions import Confusion, Flips, McNemar
from mlops_core.stats.judgement import Judgement
from mlops_core.stats.multiplicity import share_confidence
from mlops_core.stats.segment_comparison import SegmentDifference, compare_segments
from mlops_core.store.replays import Sample, fetch_scored
from mlops_core.store.verdicts import list_comparisons
from mlops_core.words import write_span

RESAMPLING_SEED = 0
MARGIN = 0.01
"""Loss, in units of each metric, up to which a version counts as not worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionComparison:
    """The champion and a candidate on the same labelled rows."""

    model: str
    champion: str
    candidate: str
    start: datetime
    """Start of the window, inclusive."""
    end: datetime
    """End of the window, exclusive."""
    paired: PairedComparison
    segments: tuple[SegmentDifference, ...]
    """F1 by value of the guarded segment column, the worst first; empty when the model has none."""
    segment_column: str | None
    missing: tuple[str, ...] = ()
    """Features that the candidate was trained with and that no row has; it scored them as null."""
    n_logged: int | None = None
    """Rows of the window, labelled or not, when a sample of them was taken; None when all were."""
    learned: tuple[str, ...] = ()
    """Versions that were trained on rows up to the start of the window, which were left out for that."""


def compare_versions(
    runtime: Runtime,
    spec: ModelSpec,
    champion: str,
    candidate: str,
    window: Window,
    missing: tuple[str, ...] = (),
) -> VersionComparison:
    """Compare two versions on the labelled rows of a window that both have scored.

    Parameters
    ----------
    missing : tuple of str
        Features of the candidate that the window does not have, as its replay found.

    Raises
    ------
    ConflictError
        When there are too few such rows to judge.
    """
    sample = sample_window(runtime, spec, window)
    rows = _fetch_enough(runtime, spec, champion, candidate, sample)
    n_logged = None if sample.is_whole else sample.n_available
    return judge_rows(spec, rows, (champion, candidate), window, missing=missing, n_logged=n_logged)


def judge_rows(
    spec: ModelSpec,
    rows: pa.Table,
    pair: tuple[str, str],
    span: Window,
    *,
    places: tuple[int, int] = (0, 1),
    missing: tuple[str, ...] = (),
    n_logged: int | None = None,
    n_candidates: int = 1,
) -> VersionComparison:
    """Compare the champion and the candidate of a pair on labelled rows that both have scored.

    Parameters
    ----------
    rows : pa.Table
        As `fetch_scored` gives them, at least one.
    places : tuple of int
        Which of the scores are those of the pair.
    n_candidates : int
        How many are compared with the champion at once: the intervals of all hold together.
    """
    common = _take_scores(spec, rows, places)
    rng = np.random.default_rng(RESAMPLING_SEED)
    confidence = share_confidence(n_candidates)
    column = spec.columns.segments[0] if spec.columns.segments else None
    values = np.array([value or "(none)" for value in rows[column].to_pylist()]) if column else None
    segments = () if values is None else tuple(compare_segments(*common, values, rng, margin=MARGIN))
    return VersionComparison(
        model=spec.name,
        champion=pair[0],
        candidate=pair[1],
        start=span.start,
        end=span.end,
        paired=compare_paired(*common, rng, confidence=confidence, metrics=_choose_metrics(spec), margin=MARGIN),
        segments=segments,
        segment_column=column,
        missing=missing,
        n_logged=n_logged,
    )


def _take_scores(
    spec: ModelSpec, rows: pa.Table, places: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float, np.ndarray]:
    """Give labels, the scores of both, their thresholds, and the chunk of each row."""
    label, before, after = (rows[name].to_numpy() for name in ("label", *(f"score_{place}" for place in places)))
    strata = np.unique(rows["chunk"].to_numpy(), return_inverse=True)[1]
    return label, before, after, spec.threshold, spec.threshold, strata


def _choose_metrics(spec: ModelSpec) -> list[Metric]:
    """Give the metrics of every comparison, and the primary one if two versions can be compared by it."""
    wanted = dict.fromkeys((*COMPARED_METRICS, spec.primary_metric))
    return [metric for metric in wanted if metric in COMPARABLE_METRICS]


def _fetch_enough(runtime: Runtime, spec: ModelSpec, champion: str, candidate: str, sample: Sample) -> pa.Table:
    """Fetch the labelled rows that both have scored, or refuse when they are too few."""
    rows, window = fetch_scored(runtime.database, spec, (champion, candidate), sample), sample.window
    if rows.num_rows < LEAST_LABELS:
        raise ConflictError(
            f"{champion} and {candidate} have {rows.num_rows:,} labelled {spec.words.rows} in common on "
            f"{write_span(window.start, window.end, spec.timezone)}; {LEAST_LABELS} are needed."
        )
    return rows


def write_comparison(comparison: VersionComparison) -> dict[str, object]:
    """Turn a comparison into a JSON document."""
    document = asdict(comparison)
    document["start"], document["end"] = comparison.start.isoformat(), comparison.end.isoformat()
    document["paired"]["metrics"] = list(document["paired"]["metrics"].values())
    return document


def read_comparison(document: Mapping[str, Any]) -> VersionComparison:
    """Turn the JSON document of a comparison into the record; what an older one does not have is None."""
    paired = dict(document["paired"])
    metrics = [_read_difference(entry) for entry in paired["metrics"]]
    return VersionComparison(
        model=document["model"],
        champion=document["champion"],
        candidate=document["candidate"],
        start=datetime.fromisoformat(document["start"]),
        end=datetime.fromisoformat(document["end"]),
        paired=PairedComparison(
            n=paired["n"],
            n_positive=paired["n_positive"],
            metrics={difference.metric: difference for difference in metrics},
            flips=Flips(**paired["flips"]),
            champion_confusion=Confusion(**paired["champion_confusion"]),
            candidate_confusion=Confusion(**paired["candidate_confusion"]),
            mcnemar=McNemar(**paired["mcnemar"]) if paired.get("mcnemar") else None,
            margin=paired.get("margin"),
            confidence=paired.get("confidence", 0.95),
        ),
        segments=tuple(
            SegmentDifference(**(entry | {"difference": _read_difference(entry["difference"])}))
            for entry in document["segments"]
        ),
        segment_column=document["segment_column"],
        missing=tuple(document.get("missing", ())),
        n_logged=document.get("n_logged"),
        learned=tuple(document.get("learned", ())),
    )


def list_alternatives(runtime: Runtime, model: str, champion: str) -> list[VersionComparison]:
    """Give the newest kept comparisons with a champion: those of its newest window, the best candidate first."""
    found = [read_comparison(row["result"]) for row in list_comparisons(runtime.database, model, champion)]
    newest = max((comparison.end for comparison in found), default=None)
    return [comparison for comparison in found if comparison.end == newest]


def _read_difference(entry: Mapping[str, Any]) -> MetricDifference:
    return MetricDifference(
        **(dict(entry) | {"metric": Metric(entry["metric"]), "judgement": Judgement(entry["judgement"])})
    )
