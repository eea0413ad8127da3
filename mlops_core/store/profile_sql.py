"""The statements that count rows: the one generator, kept to SQL that other engines take as well."""

from collections.abc import Sequence

from mlops_core.chunking import Run
from mlops_core.entities import ModelSpec
from mlops_core.stats.binning import LINEAR_STEPS, ROOT_STEPS
from mlops_core.stats.losses import LOG_LOSS_CLIP
from mlops_core.store.feature_sql import run_expression
from mlops_core.store.tables import name_table, newest_labels_cte, quote, quote_text


def score_bin_expression(score: str, threshold: str) -> str:
    """Give the SQL of a score's bin; the same grid as `mlops_core.stats.binning.assign_score_bins`."""
    root, mirrored = (f"sqrt(sqrt(sqrt({value}))) * {ROOT_STEPS}" for value in (score, f"1 - {score}"))
    return (
        f"cast(floor({score} * {LINEAR_STEPS}) + floor({root}) + {ROOT_STEPS} - ceil({mirrored}) "
        f"+ case when {score} >= {threshold} then 1 else 0 end as integer)"
    )


def count_scores_statement(spec: ModelSpec, runs: Sequence[Run]) -> str:
    """Give the statement that counts score × label for chunks $chunks between $start and $end, which runs cover.

    One row per version, source, chunk, segment, and label (null where none has come), with the bins that are
    not empty and their counts. Rows without a score are left out. A segment without a value is the empty text.
    """
    segments = _alias_segments(spec)
    keys = ", ".join(["version", "source", "chunk", "label", *segments])
    sets = ", ".join(["()", *(f"({alias})" for alias in segments)])
    names = " ".join(f"when grouping({alias}) = 0 then {quote_text(name)}" for alias, name in segments.items())
    values = " ".join(f"when grouping({alias}) = 0 then {alias}" for alias in segments)
    probability = f"greatest(least(score, 1 - {LOG_LOSS_CLIP}), {LOG_LOSS_CLIP})"
    return (
        f"with {_rows_cte(spec, runs)}, "
        f"binned as (select {keys}, {score_bin_expression('score', '$threshold')} as bin, "
        "power(score - label, 2) as squared_error, "
        f"case when label = 1 then -ln({probability}) when label = 0 then -ln(1 - {probability}) end as log_loss "
        "from scored where score is not null), "
        "counted as (select version, source, chunk, label, bin, "
        f"case {names} when true then '' end as segment_column, case {values} when true then '' end as segment, "
        "count(*) as n, coalesce(sum(squared_error), 0) as se, "
        "coalesce(sum(squared_error * squared_error), 0) as se2, "
        "coalesce(sum(log_loss), 0) as ll, coalesce(sum(log_loss * log_loss), 0) as ll2 "
        f"from binned group by version, source, chunk, label, bin, grouping sets ({sets})) "
        "select $model as model, version, source, make_timestamptz(chunk::bigint) as chunk, segment_column, segment, "
        "$threshold::double as threshold, label::tinyint as label, "
        "list(bin::usmallint) as bins, list(n) as counts, "
        "sum(se) as squared_error, sum(se2) as squared_error_squares, "
        "sum(ll) as log_loss, sum(ll2) as log_loss_squares "
        "from counted group by version, source, chunk, segment_column, segment, label"
    )


def _alias_segments(spec: ModelSpec) -> dict[str, str]:
    """Name the segment columns so that they clash with nothing: alias to column."""
    return {f"segment_{position}": name for position, name in enumerate(spec.columns.segments)}


def _rows_cte(spec: ModelSpec, runs: Sequence[Run]) -> str:
    """Every score of the window, live and replayed, with its newest label."""
    segments = _alias_segments(spec)
    values = "".join(f", coalesce({quote(name)}, '') as {alias}" for alias, name in segments.items())
    kept = "".join(f", p.{alias}" for alias in segments)
    return (
        f"span as (select prediction_id, version, score, {run_expression(runs)} as chunk{values} "
        f"from {name_table('predictions', spec.name)} where scored_at >= $start and scored_at < $end), "
        "traffic as (from span semi join (select epoch_us(unnest($chunks::timestamptz[]))::double as chunk) "
        "using (chunk)), "
        f"{newest_labels_cte(spec, 'traffic')}, "
        f"scored as (select p.version, 'live' as source, p.chunk, p.score, l.label{kept} "
        "from traffic as p left join newest_labels as l using (prediction_id) "
        f"union all select r.version, 'replay' as source, p.chunk, r.score, l.label{kept} "
        f"from {name_table('replays', spec.name)} as r join traffic as p using (prediction_id) "
        "left join newest_labels as l using (prediction_id) "
        "where r.scored_at >= $start and r.scored_at < $end)"
    )
