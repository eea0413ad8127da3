-- name: find_reference
-- The standing reference made of a snapshot or of a window, under a binning.
select id, model, kind, version, snapshot_id, binning, start_at as start, end_at as "end", row_count as n,
    chunk_count as n_chunks, made_at
from standing_references
where model = $model and kind = $kind and binning = $binning
    and ($snapshot_id is null or snapshot_id = $snapshot_id)
    and ($start is null or (start_at = $start and end_at = $end))
order by id desc
limit 1;

-- name: insert_reference
-- Part of the transaction that stores its counts; gives its number.
insert into standing_references (id, model, kind, version, snapshot_id, binning, start_at, end_at, row_count,
    chunk_count, made_at)
select coalesce(max(id), 0) + 1, $model, $kind, $version, $snapshot_id, $binning, $start, $end, $n, $n_chunks, $made_at
from standing_references
returning id;

-- name: insert_reference_profiles
-- The counts of each feature and segment; from an attached table.
insert into reference_profiles (reference, segment_column, segment, feature, n, n_null, bins, counts, sums,
    minimum, maximum, group_starts, natural_variations)
select $reference, segment_column, segment, feature, n, n_null, bins, counts, sums, minimum, maximum,
    group_starts, natural_variations
from reference_rows;

-- name: read_reference_profiles
-- The counts of a reference in one segment.
select feature, n, n_null, bins, counts, sums, minimum, maximum, group_starts, natural_variations
from reference_profiles
where reference = $reference and segment_column = $segment_column and segment = $segment
order by feature;

-- name: get_reference_choice
-- The newest choice of a standing reference.
select version, start_at as start, end_at as "end", made_at as "at", actor, channel, reason
from reference_choices
where model = $model
order by id desc
limit 1;

-- name: insert_reference_choice
-- Part of the transaction that writes its audit event.
insert into reference_choices (id, model, version, start_at, end_at, made_at, actor, channel, reason)
select coalesce(max(id), 0) + 1, $model, $version, $start, $end, $at, $actor, $channel, $reason
from reference_choices;
