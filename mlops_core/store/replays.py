"""Replays: decides which logged rows of a window are taken, and which of them versions are yet to score or have."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from mlops_core.entities import ModelSpec, Window
from mlops_core.store.chunks import chunk_expression, mark_traffic
from mlops_core.store.connection import Database
from mlops_core.store.features import ALL_TRAFFIC, Segment
from mlops_core.store.tables import name_table, newest_labels_cte, quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Logged rows of a window: all of them, or as many of each chunk as its share of the rows allows."""

    window: Window
    n_available: int
    """Rows of the window."""
    most_rows: int
    """Rows from which on only some are taken."""
    seed: int
    """With the same seed the same rows are taken; fewer rows are always among more."""

    @property
    def is_whole(self) -> bool:
        """Say whether all rows are taken."""
        return self.n_available <= self.most_rows


def take_all(window: Window) -> Sample:
    """Give all rows of a window, however many they are."""
    return Sample(window=window, n_available=0, most_rows=0, seed=0)


def choose_sample(database: Database, spec: ModelSpec, window: Window, most_rows: int, seed: int) -> Sample:
    """Choose rows of a window, stratified by chunk."""
    table = database.table(
        f"select count(*) as n from {name_table('predictions', spec.name)} "
        "where scored_at >= $start and scored_at < $end",
        {"start": window.start, "end": window.end},
    )
    return Sample(window=window, n_available=table["n"][0].as_py(), most_rows=most_rows, seed=seed)


def append_replay(database: Database, spec: ModelSpec, version: str, artifact_hash: str, rows: pa.Table) -> None:
    """Store the scores of a replay (prediction_id, scored_at, score) and mark their chunks as waiting.

    Rows that another replay of the version has stored in the meantime are left out.
    """
    table = name_table("replays", spec.name)
    with database.transaction() as transaction, transaction.attached("batch", rows):
        transaction.run_sql(
            f"insert into {table} select prediction_id, scored_at, $version, $hash, score from batch "
            f"anti join (select prediction_id, scored_at from {table} where version = $version) "
            "using (prediction_id, scored_at)",
            {"version": version, "hash": artifact_hash},
        )
        mark_traffic(transaction, spec, "batch")


def fetch_unreplayed(
    database: Database,
    spec: ModelSpec,
    version: str,
    features: Sequence[str],
    sample: Sample,
    most: int | None = None,
) -> pa.Table:
    """Give the logged inputs of a sample that a version neither answered nor replayed, oldest first.

    Parameters
    ----------
    most : int, optional
        Give only as many.
    """
    known = set(spec.columns.features)
    columns = ", ".join(quote(name) if name in known else f"null::double as {quote(name)}" for name in features)
    return database.table(
        f"with {_rows_of(spec, sample)} "
        f"select prediction_id, scored_at, {columns} from rows_of_sample as p "
        f"where version <> $version and not exists (from {name_table('replays', spec.name)} as r "
        "where r.version = $version and r.prediction_id = p.prediction_id "
        "and r.scored_at = p.scored_at) order by scored_at, prediction_id"
        f"{'' if most is None else ' limit $most'}",
        {**_bind(sample), "version": version} | ({} if most is None else {"most": most}),
    )


def find_empty_features(database: Database, spec: ModelSpec, features: Sequence[str], sample: Sample) -> list[str]:
    """Name the features that hold no value in any row of a sample; none when it has no rows."""
    known = [name for name in features if name in spec.columns.features]
    counts = ", ".join(f"{_count_filled(spec, name)} as {quote(name)}" for name in known)
    counted = database.table(
        f"with {_rows_of(spec, sample)} select count(*) as rows_of_sample, {counts or '0 as none'} from rows_of_sample",
        _bind(sample),
    ).to_pylist()[0]
    if counted["rows_of_sample"] == 0:
        return []
    return [name for name in features if name not in known or counted[name] == 0]


def fetch_scored(
    database: Database, spec: ModelSpec, versions: Sequence[str], sample: Sample, segment: Segment = ALL_TRAFFIC
) -> pa.Table:
    """Give the labelled rows of a sample that all of some versions scored, live or by replay, oldest first.

    The columns are prediction_id, chunk, label (0 or 1), score_0, score_1, … in the order of the versions, and the
    segments.
    """
    segments = "".join(f", p.{quote(name)}" for name in spec.columns.segments)
    scores = "".join(f", s{i}.score as score_{i}" for i in range(len(versions)))
    return database.table(
        f"with {_rows_of(spec, sample)}, {newest_labels_cte(spec, 'rows_of_sample')}, {_scores_of(spec)} "
        f"select p.prediction_id, {chunk_expression(spec, 'p.scored_at')} as chunk, l.label{scores}{segments} "
        "from rows_of_sample as p join newest_labels as l using (prediction_id) "
        f"{_join_scores(versions, 'join')}{_keep_segment(segment)} order by p.scored_at, p.prediction_id",
        _bind(sample) | _bind_versions(versions) | _bind_segment(segment),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRows:
    """How many rows of a sample the same versions scored."""

    by: tuple[bool, ...]
    """Whether each of the versions that were asked about scored them, in their order."""
    n: int
    n_labelled: int


def count_scored(
    database: Database, spec: ModelSpec, versions: Sequence[str], sample: Sample, segment: Segment = ALL_TRAFFIC
) -> list[ScoredRows]:
    """Count the rows of a sample by which of some versions scored them, live or by replay; every row counts once."""
    flags = [f"s{i}.score is not null as by_{i}" for i in range(len(versions))]
    table = database.table(
        f"with {_rows_of(spec, sample)}, {newest_labels_cte(spec, 'rows_of_sample')}, {_scores_of(spec)} "
        f"select {', '.join(flags)}, count(*) as n, count(l.label) as n_labelled "
        "from rows_of_sample as p left join newest_labels as l using (prediction_id) "
        f"{_join_scores(versions, 'left join')}{_keep_segment(segment)} group by all order by all",
        _bind(sample) | _bind_versions(versions) | _bind_segment(segment),
    )
    return [
        ScoredRows(by=tuple(row[f"by_{i}"] for i in range(len(versions))), n=row["n"], n_labelled=row["n_labelled"])
        for row in table.to_pylist()
    ]


def count_replays(database: Database, spec: ModelSpec) -> int:
    """Give how many scores of replays are kept; while it is the same, no version has scored anything since."""
    return int(database.table(f"select count(*) as n from {name_table('replays', spec.name)}")["n"][0].as_py())


def _scores_of(spec: ModelSpec) -> str:
    return (
        "scores as (select prediction_id, scored_at, version, score from rows_of_sample union all "
        f"select prediction_id, scored_at, version, score from {name_table('replays', spec.name)} "
        "where scored_at >= $start and scored_at < $end)"
    )


def _join_scores(versions: Sequence[str], join: str) -> str:
    return " ".join(
        f"{join} scores as s{i} on s{i}.prediction_id = p.prediction_id and s{i}.scored_at = p.scored_at "
        f"and s{i}.version = $version_{i} "
        f"and s{i}.score is not null"
        for i in range(len(versions))
    )


def _bind_versions(versions: Sequence[str]) -> dict[str, object]:
    return {f"version_{i}": name for i, name in enumerate(versions)}


def _keep_segment(segment: Segment) -> str:
    return "" if segment == ALL_TRAFFIC else f" where coalesce(p.{quote(segment[0])}, '') = $segment"


def _bind_segment(segment: Segment) -> dict[str, object]:
    return {} if segment == ALL_TRAFFIC else {"segment": segment[1]}


def _count_filled(spec: ModelSpec, name: str) -> str:
    """Count the rows that have a value; one that is not a number is none."""
    if name in spec.columns.numeric:
        return f"count(*) filter (where {quote(name)} is not null and not isnan({quote(name)}))"
    return f"count({quote(name)})"


def _rows_of(spec: ModelSpec, sample: Sample) -> str:
    table, inside = name_table("predictions", spec.name), "scored_at >= $start and scored_at < $end"
    if sample.is_whole:
        return f"rows_of_sample as (from {table} where {inside})"
    # By the hash and not by chance: the same rows every time, and those of a smaller sample among them.
    return (
        "places as (select prediction_id, scored_at, "
        f"count(*) over (partition by {chunk_expression(spec)}) as n_chunk, "
        f"row_number() over (partition by {chunk_expression(spec)} "
        f"order by hash(prediction_id, $seed), prediction_id) as place from {table} where {inside}), "
        f"rows_of_sample as (from {table} semi join "
        "(select prediction_id, scored_at from places "
        "where place <= greatest(1, round($most_rows * n_chunk / $n_available))) "
        f"using (prediction_id, scored_at) where {inside})"
    )


def _bind(sample: Sample) -> dict[str, object]:
    bound: dict[str, object] = {"start": sample.window.start, "end": sample.window.end}
    if not sample.is_whole:
        bound |= {"seed": sample.seed, "most_rows": sample.most_rows, "n_available": sample.n_available}
    return bound
