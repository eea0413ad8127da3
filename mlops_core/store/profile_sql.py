"""The statements that count rows: the one generator, kept to SQL that other engines take as well."""

from mlops_core.entities import ModelSpec
from mlops_core.stats.binning import LINEAR_STEPS, ROOT_STEPS
from mlops_core.stats.losses import LOG_LOSS_CLIP
from mlops_core.store.chunks import chunk_expression
from mlops_core.store.tables import name_table, quote


def score_bin_expression(score: str, threshold: str) -> str:
    """Give the SQL of a score's bin; the same grid as `mlops_core.stats.binning.assign_score_bins`."""
    root, mirrored = (f"sqrt(sqrt(sqrt({value}))) * {ROOT_STEPS}" for value in (score, f"1 - {score}"))
    return (
        f"cast(floor({score} * {LINEAR_STEPS}) + floor({root}) + {ROOT_STEPS} - ceil({mirrored}) "
        f"+ case when {score} >= {threshold} then 1 else 0 end as integer)"
    )


def count_scores_statement(spec: ModelSpec) -> str:
    """Give the statement that counts score × label for chunks $chunks between $start and $end.

    One row per version, source, chunk, segment, and label (null where none has come), with the bins that are
    not empty and their counts. Rows without a score are counted in bin null, which is left out of the lists.
    """
    segments = [quote(name) for name in spec.columns.segments]
    sets = ", ".join(["()", *(f"({name})" for name in segments)])
    column = " ".join(
        f"when grouping({quote(s)}) = 0 then '{s.replace(chr(39), chr(39) * 2)}'" for s in spec.columns.segments
    )
    value = ", ".join(f"case when grouping({name}) = 0 then {name} end" for name in segments)
    probability = f"greatest(least(score, 1 - {LOG_LOSS_CLIP}), {LOG_LOSS_CLIP})"
    return (
        f"with {_rows_cte(spec)}, "
        "binned as (select version, source, chunk, label"
        + "".join(f", {name}" for name in segments)
        + f", {score_bin_expression('score', '$threshold')} as bin, "
        "power(score - label, 2) as squared_error, "
        f"case when label = 1 then -ln({probability}) when label = 0 then -ln(1 - {probability}) end as log_loss "
        "from scored where score is not null), "
        "counted as (select version, source, chunk, label, bin, "
        f"{f'case {column} else {chr(39)}{chr(39)} end' if column else chr(39) * 2} as segment_column, "
        f"{f'coalesce({value}, {chr(39)}{chr(39)})' if value else chr(39) * 2} as segment, "
        "count(*) as n, coalesce(sum(squared_error), 0) as se, "
        "coalesce(sum(squared_error * squared_error), 0) as se2, "
        "coalesce(sum(log_loss), 0) as ll, coalesce(sum(log_loss * log_loss), 0) as ll2 "
        f"from binned group by version, source, chunk, label, bin, grouping sets ({sets})) "
        "select $model as model, version, source, chunk, segment_column, segment, "
        "$threshold::double as threshold, label::tinyint as label, "
        "list(bin::usmallint order by bin) as bins, list(n order by bin) as counts, "
        "sum(se) as squared_error, sum(se2) as squared_error_squares, "
        "sum(ll) as log_loss, sum(ll2) as log_loss_squares "
        "from counted group by version, source, chunk, segment_column, segment, label"
    )


def count_nulls_statement(spec: ModelSpec) -> str:
    """Give the statement that counts nulls (NaN included) per feature, version, and chunk of $chunks."""
    wide = [
        *(
            f"count(case when {quote(n)} is null or isnan({quote(n)}) then 1 end) as {quote(n)}"
            for n in spec.columns.numeric
        ),
        *(f"count(case when {quote(n)} is null then 1 end) as {quote(n)}" for n in spec.columns.categorical),
    ]
    features = ", ".join(quote(name) for name in spec.columns.features)
    return (
        f"with wide as (select version, {chunk_expression(spec)} as chunk, count(*) as row_count, "
        + ", ".join(wide)
        + f" from {name_table('predictions', spec.name)} "
        "where scored_at >= $start and scored_at < $end "
        f"and list_contains($chunks::timestamptz[], {chunk_expression(spec)}) group by 1, 2), "
        f"long as (unpivot wide on {features} into name feature value null_count) "
        "select $model as model, version, chunk, feature, row_count, null_count from long"
    )


def _rows_cte(spec: ModelSpec) -> str:
    """Every score of the window, live and replayed, with its newest label."""
    traffic, labels = name_table("predictions", spec.name), name_table("labels", spec.name)
    segments = "".join(f", p.{quote(name)}" for name in spec.columns.segments)
    return (
        f"traffic as (select *, {chunk_expression(spec)} as chunk from {traffic} "
        "where scored_at >= $start and scored_at < $end "
        f"and list_contains($chunks::timestamptz[], {chunk_expression(spec)})), "
        "newest as (select prediction_id, arg_max(label, (label_at, batch)) as label "
        f"from {labels} semi join traffic using (prediction_id) group by prediction_id), "
        f"scored as (select p.version, 'live' as source, p.chunk, p.score, l.label{segments} "
        "from traffic as p left join newest as l using (prediction_id) "
        f"union all select r.version, 'replay' as source, p.chunk, r.score, l.label{segments} "
        f"from {name_table('replays', spec.name)} as r join traffic as p using (prediction_id) "
        "left join newest as l using (prediction_id) "
        "where r.scored_at >= $start and r.scored_at < $end)"
    )
