"""Drift of all features together: decides which rows are drawn, and from where on a chunk is unusual as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_core.checks.domain_classifier import separate
from mlops_core.chunking import find_chunk, next_chunk
from mlops_core.entities import ModelSpec, Window
from mlops_core.errors import ConflictError
from mlops_core.services.background import Report
from mlops_core.services.drift_view import DriftView
from mlops_core.services.runtime import Runtime
from mlops_core.services.snapshots import read_snapshot
from mlops_core.stats.multivariate import LEAST_CHUNKS, Separation, limit_chunks
from mlops_core.stats.reconstruction import ReconstructionError, fit_reconstruction, reconstruction_error
from mlops_core.store.features import ALL_TRAFFIC, Segment
from mlops_core.store.references import SNAPSHOT, Reference
from mlops_core.store.samples import sample_rows
from mlops_core.words import write_chunk

MOST_ROWS = 10_000
"""Rows drawn from the reference, and from a chunk."""
MOST_COMPARED = 3_000
"""Of these, rows that the classifier sees on a side: it learns five times for every chunk."""
MOST_CHUNKS = 20
"""Chunks of the reference that set the limits, evenly spread."""
LEAST_ROWS = 200
"""Rows that a chunk needs."""
SEED = 0
Limits = tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Multivariate:
    """How unusual one chunk is as a whole."""

    chunk: datetime
    separation: Separation
    auc_limits: Limits
    """From the reference's own chunks; None with too few of them."""
    error: ReconstructionError
    error_limits: Limits
    n_chunks: int
    """Chunks of the reference that the limits come from."""


def measure_chunk(runtime: Runtime, view: DriftView, position: int, segment: Segment, report: Report) -> Multivariate:
    """Measure how well a classifier tells a chunk from the reference, and how well its columns still go together.

    Each of some chunks of the reference is measured in the same way against the rest, which gives the limits.

    Raises
    ------
    ConflictError
        When a side has too few rows.
    HomeError
        When the training rows cannot be read.
    """
    spec, features, chunk = view.spec, list(view.table.features), view.table.chunks[position]
    categorical = [i for i, name in enumerate(features) if name in spec.columns.categorical]
    report(0.0, "Drawing rows")
    own = Window(chunk, next_chunk(spec, chunk))
    current = sample_rows(runtime.database, spec, own, features, MOST_ROWS, SEED, segment)
    reference = _draw_reference(runtime, spec, view.table.reference, features, segment)
    chunks = _take_chunks(runtime, spec, view.table.reference, reference, features, segment)
    if min(current.num_rows, reference.num_rows) < LEAST_ROWS:
        raise ConflictError(
            f"{current.num_rows:,} rows of {write_chunk(spec, chunk)} and {reference.num_rows:,} of the reference; "
            f"{LEAST_ROWS} of each are needed."
        )
    drawn = reference.slice(0, MOST_ROWS)
    sides = encode_rows([drawn, current, *chunks.values()], features, categorical)
    starts = _find_chunks(spec, drawn["scored_at"])
    aucs = _separate_chunks(spec, sides[0], starts, dict(zip(chunks, sides[2:], strict=True)), categorical, report)
    plane = fit_reconstruction(sides[0], categorical=categorical)
    errors = [reconstruction_error(plane, rows).mean for rows in sides[2:]]
    report(0.9, f"Comparing {write_chunk(spec, chunk)}")
    return Multivariate(
        chunk=chunk,
        separation=_separate(sides[0], sides[1], categorical),
        auc_limits=limit_chunks(np.array(aucs, np.float64)),
        error=reconstruction_error(plane, sides[1]),
        error_limits=limit_chunks(np.array(errors, np.float64)),
        n_chunks=len(chunks),
    )


def tell_multivariate(view: DriftView, found: Multivariate) -> tuple[str, str]:
    """Say in a sentence what was found, and behind it the figures."""
    name, unit = write_chunk(view.spec, found.chunk), view.spec.chunk.value
    auc, error = found.separation.auc, found.error
    assert auc.value is not None
    is_known = found.auc_limits is not None
    is_apart = auc.value > found.auc_limits[1] if found.auc_limits else auc.low is not None and auc.low > 0.5
    mean, limits = error.mean or 0.0, found.error_limits
    loose, tight = (mean > limits[1], mean < limits[0]) if limits else (False, False)
    if loose or tight:
        how = "no longer go together as they did" if loose else "go together more closely than they did"
        sentence = f"On {name} the features {how}."
    elif is_apart and is_known:
        sentence = f"{name} differs from the reference as a whole, though its features still go together as they did."
    elif is_apart:
        sentence = f"{name} can be told from the reference; whether that is natural is not known."
    elif is_known and auc.low is not None and auc.low > 0.5:
        sentence = f"{name} is no easier to tell from the reference than the {unit}s of the reference itself."
    else:
        sentence = f"Taken together, the features of {name} look like those of the reference."
    rows = f"{found.separation.n_current:,} and {found.separation.n_reference:,} rows"
    figure = f"{auc.value:.2f} [{auc.low:.2f}, {auc.high:.2f}]"
    told = [
        f"A classifier tells its rows from the reference with a ROC AUC of {figure}; 0.5 means not at all ({rows}).",
        f"The distance from the plane that the reference's features span is {mean:.2f}.",
    ]
    if found.auc_limits and limits:
        told.append(
            f"{found.n_chunks} {unit}s of the reference, each against the rest, set the limits: AUC up to "
            f"{min(found.auc_limits[1], 1):.2f}, distance {max(limits[0], 0):.2f} to {limits[1]:.2f}."
        )
    else:
        told.append(
            f"The reference has {found.n_chunks} {unit}s with {LEAST_ROWS} rows; {LEAST_CHUNKS} are needed for limits."
        )
    return sentence, " ".join(told)


def encode_rows(tables: Sequence[pa.Table], features: Sequence[str], categorical: Sequence[int]) -> list[np.ndarray]:
    """Give rows as numbers: null as NaN, each category by one number that is the same in every table."""
    columns: list[list[np.ndarray]] = [[] for _ in tables]
    for i, name in enumerate(features):
        if i in categorical:
            texts = [table[name].cast(pa.string()) for table in tables]
            known = pa.chunked_array([chunk for text in texts for chunk in text.chunks], pa.string()).unique()
            values = [pc.index_in(text, value_set=known.drop_null()).cast(pa.float64()) for text in texts]
        else:
            values = [table[name].cast(pa.float64()) for table in tables]
        for rows, column in zip(columns, values, strict=True):
            rows.append(np.asarray(column.to_numpy(), np.float64))
    return [np.column_stack(rows) for rows in columns]


def _separate(rest: np.ndarray, rows: np.ndarray, categorical: Sequence[int]) -> Separation:
    return separate(rest, rows, np.random.default_rng(SEED), categorical=categorical, most_rows=MOST_COMPARED)


def _separate_chunks(
    spec: ModelSpec,
    reference: np.ndarray,
    starts: np.ndarray,
    chunks: Mapping[datetime, np.ndarray],
    categorical: Sequence[int],
    report: Report,
) -> list[float | None]:
    """Say how well each chunk of the reference can be told from the rest of it, of which a row's chunk is known."""
    aucs = []
    for i, (start, rows) in enumerate(chunks.items()):
        done, name = i / len(chunks), spec.chunk.value.capitalize()
        report(0.1 + 0.8 * done, f"{name} {i + 1} of {len(chunks)} of the reference")
        rest = reference[starts != np.datetime64(start.replace(tzinfo=None), "us")]
        aucs.append(_separate(rest, rows, categorical).auc.value)
    return aucs


def _draw_reference(
    runtime: Runtime, spec: ModelSpec, reference: Reference, features: Sequence[str], segment: Segment
) -> pa.Table:
    """Give rows of the reference in random order: all training rows, or a sample of a window of traffic."""
    if reference.kind != SNAPSHOT:
        window = Window(reference.start, reference.end)
        return sample_rows(runtime.database, spec, window, features, MOST_ROWS, SEED, segment)
    assert reference.snapshot_id is not None
    rows = read_snapshot(runtime, reference.snapshot_id)
    if segment != ALL_TRAFFIC:
        rows = rows.filter(pc.equal(rows[segment[0]], segment[1]))
    for name in features:
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.nulls(rows.num_rows))
    rows = rows.select([*features, "scored_at"])
    return rows.take(pa.array(np.random.default_rng(SEED).permutation(rows.num_rows)))


def _take_chunks(
    runtime: Runtime,
    spec: ModelSpec,
    reference: Reference,
    rows: pa.Table,
    features: Sequence[str],
    segment: Segment,
) -> dict[datetime, pa.Table]:
    """Give the rows of some chunks of the reference, evenly spread over it, those with too few rows left out."""
    starts = []
    chunk = find_chunk(spec, reference.start)
    while chunk < reference.end:
        starts.append(chunk)
        chunk = next_chunk(spec, chunk)
    places = np.unique(np.linspace(0, len(starts) - 1, min(MOST_CHUNKS, len(starts))).round().astype(int))
    taken = {}
    for start in (starts[i] for i in places.tolist()):
        own = Window(start, next_chunk(spec, start))
        if reference.kind == SNAPSHOT:
            found = rows.filter(
                pc.and_(pc.greater_equal(rows["scored_at"], own.start), pc.less(rows["scored_at"], own.end))
            )
        else:
            found = sample_rows(runtime.database, spec, own, features, MOST_ROWS, SEED, segment)
        if found.num_rows >= LEAST_ROWS:
            taken[start] = found.slice(0, MOST_ROWS)
    return taken


def _find_chunks(spec: ModelSpec, times: pa.ChunkedArray) -> np.ndarray:
    """Give the start of each row's chunk, in UTC."""
    starts = [find_chunk(spec, moment).replace(tzinfo=None) for moment in times.to_pylist()]
    return np.array(starts, "datetime64[us]")
