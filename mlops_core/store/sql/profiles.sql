-- name: delete_score_profiles
-- Before the chunks are counted anew.
delete from score_profiles where model = $model and list_contains($chunks::timestamptz[], chunk);

-- name: read_score_profiles
-- The counts of a window, grouped by version and source.
select version, source, chunk, label, bins, counts,
    squared_error, squared_error_squares, log_loss, log_loss_squares
from score_profiles
where model = $model and chunk >= $start and chunk < $end
    and segment_column = $segment_column and segment = $segment
order by version, source, chunk, label;

-- name: list_segments
-- The values a segment column has taken.
select segment_column, segment, sum(list_sum(counts))::bigint as n
from score_profiles
where model = $model and source = 'live' and segment_column <> ''
group by segment_column, segment
order by segment_column, n desc, segment;

-- name: read_coverage
-- Rows and labelled rows of live traffic, by version and chunk.
select version, chunk,
    sum(list_sum(counts))::bigint as n,
    coalesce(sum(list_sum(counts)) filter (where label is not null), 0)::bigint as n_labelled
from score_profiles
where model = $model and source = 'live' and segment_column = ''
group by version, chunk
order by chunk, version;

-- name: set_refreshed
-- When a model was last counted and checked.
insert or replace into refreshes (model, made_at) values ($model, $at);

-- name: get_refreshed
-- When a model was last counted and checked.
select made_at as "at" from refreshes where model = $model;
