-- name: get_counted_batch
-- The newest batch whose features were counted.
select batch from counted_batches where model = $model;

-- name: set_counted_batch
-- Part of the transaction that counts it.
insert or replace into counted_batches (model, batch) values ($model, $batch);

-- name: delete_counted_batch
-- With a new binning everything is counted anew.
delete from counted_batches where model = $model;

-- name: take_known_profiles
-- What is known of the touched chunks by some segment columns, the empty one for all traffic.
select '' as segment_column, '' as segment, feature, version, chunk, n, n_null, bins, counts, sums, minimum, maximum
from feature_profiles semi join touched_chunks using (version, chunk)
where model = $model and binning = $binning and list_contains($segment_columns::varchar[], '')
union all
select segment_column, segment, feature, version, chunk, n, n_null, bins, counts, sums, minimum, maximum
from segment_profiles semi join touched_chunks using (version, chunk)
where model = $model and binning = $binning and list_contains($segment_columns::varchar[], segment_column)
order by segment_column, segment, feature, version, chunk;

-- name: drop_known_profiles
-- They come back with what is new.
delete from feature_profiles as p
using touched_chunks as touched
where p.model = $model and p.binning = $binning and p.version = touched.version and p.chunk = touched.chunk
    and list_contains($segment_columns::varchar[], '');

-- name: drop_known_segment_profiles
-- They come back with what is new.
delete from segment_profiles as p
using touched_chunks as touched
where p.model = $model and p.binning = $binning and p.version = touched.version and p.chunk = touched.chunk
    and list_contains($segment_columns::varchar[], p.segment_column);

-- name: keep_counted_profiles
-- The counts of all traffic, in the order in which they are counted.
insert into feature_profiles
    (model, binning, version, chunk, feature, n, n_null, bins, counts, sums, minimum, maximum)
select $model, $binning, version, chunk, feature, n, n_null, bins, counts, sums, minimum, maximum
from counted_profiles
where segment_column = '';

-- name: keep_counted_segment_profiles
-- The counts of segments.
insert into segment_profiles
    (model, binning, version, chunk, segment_column, segment, feature, n, n_null, bins, counts, sums, minimum, maximum)
select $model, $binning, version, chunk, segment_column, segment, feature, n, n_null, bins, counts, sums, minimum, maximum
from counted_profiles
where segment_column <> '';

-- name: list_feature_sizes
-- How many rows each profile of all traffic has: with more, it is another.
select version, feature, chunk, n
from feature_profiles
where model = $model and binning = $binning and chunk >= $start and chunk < $end
    and ($version is null or version = $version)
order by version, feature, chunk;

-- name: read_feature_profiles
-- The counts of some features in a window, grouped by version and feature.
select version, feature, chunk, n, n_null, bins, counts, sums, minimum, maximum
from feature_profiles
where model = $model and binning = $binning and chunk >= $start and chunk < $end
    and list_contains($features::varchar[], feature)
    and ($version is null or version = $version)
order by version, feature, chunk;

-- name: list_segment_sizes
-- How many rows each profile of one segment has: with more, it is another.
select version, feature, chunk, n
from segment_profiles
where model = $model and binning = $binning and chunk >= $start and chunk < $end
    and segment_column = $segment_column and segment = $segment
    and ($version is null or version = $version)
order by version, feature, chunk;

-- name: read_segment_profiles
-- The same of one segment.
select version, feature, chunk, n, n_null, bins, counts, sums, minimum, maximum
from segment_profiles
where model = $model and binning = $binning and chunk >= $start and chunk < $end
    and segment_column = $segment_column and segment = $segment
    and list_contains($features::varchar[], feature)
    and ($version is null or version = $version)
order by version, feature, chunk;

-- name: read_null_counts
-- Nulls of a version's traffic, by the newest binning that a chunk was counted by.
select version, chunk, feature, max_by(n, binning) as n, max_by(n_null, binning) as n_null
from feature_profiles
where model = $model and version = $version and chunk >= $start and chunk < $end
group by version, chunk, feature
order by chunk, feature;
