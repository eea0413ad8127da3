-- name: get_counted_batch
-- The newest batch whose features were counted.
select batch from counted_batches where model = $model;

-- name: set_counted_batch
-- Part of the transaction that counts it.
insert or replace into counted_batches (model, batch) values ($model, $batch);

-- name: create_row_groups
-- Where rows are grouped by feature, version, chunk, segment, and bin; it ends with the transaction's cursor.
create or replace temp table row_groups (
    feature varchar, version varchar, chunk double, segment_column varchar, segment varchar,
    value varchar, bin smallint, n bigint, s double, low double, high double
);

-- name: find_category_bins
-- Each value of a category gets its bin: unseen where no reference had it, other where not all it had have one.
create or replace temp table row_groups as
with known as (
    select feature, value, bin from binning_categories where binning = $binning
)
select g.feature, g.version, g.chunk, g.segment_column, g.segment,
    case
        when not list_contains($categorical::varchar[], g.feature) then g.bin
        when g.value is null then null
        when k.bin is not null then k.bin
        when list_contains($full::varchar[], g.feature) then $other
        else $unseen
    end::smallint as bin,
    g.n, g.s,
    -- Of NaN there is no smallest; infinities have bins of their own.
    case when g.bin between -32767 and 32766 then g.low end as low,
    case when g.bin between -32767 and 32766 then g.high end as high
from row_groups as g
left join known as k on k.feature = g.feature and k.value = g.value;

-- name: count_known_profiles
-- Whether the touched chunks were counted before.
select count(*)::bigint as n
from feature_profiles as p
semi join (select distinct version, make_timestamptz(chunk::bigint) as chunk from row_groups) as touched
    using (version, chunk)
where p.model = $model and p.binning = $binning;

-- name: take_known_profiles
-- What is known of the touched chunks joins what is new, bin by bin; nulls carry the extremes.
insert into row_groups (feature, version, chunk, segment_column, segment, bin, n, s, low, high)
with touched as (
    select distinct version, make_timestamptz(chunk::bigint) as chunk from row_groups
),
known as (
    select feature, version, chunk, '' as segment_column, '' as segment, n_null, bins, counts, sums, minimum, maximum
    from feature_profiles semi join touched using (version, chunk)
    where model = $model and binning = $binning and $first_segment = ''
    union all
    select feature, version, chunk, segment_column, segment, n_null, bins, counts, sums, minimum, maximum
    from segment_profiles semi join touched using (version, chunk)
    where model = $model and binning = $binning
)
select feature, version, epoch_us(chunk)::double, segment_column, segment,
    unnest(bins), unnest(counts), unnest(sums), null, null
from known
union all
select feature, version, epoch_us(chunk)::double, segment_column, segment, null, n_null, null, minimum, maximum
from known;

-- name: drop_known_profiles
-- They come back with what is new.
delete from feature_profiles as p
using (select distinct version, make_timestamptz(chunk::bigint) as chunk from row_groups) as touched
where p.model = $model and p.binning = $binning and p.version = touched.version and p.chunk = touched.chunk;

-- name: drop_known_segment_profiles
-- They come back with what is new.
delete from segment_profiles as p
using (select distinct version, make_timestamptz(chunk::bigint) as chunk from row_groups) as touched
where p.model = $model and p.binning = $binning and p.version = touched.version and p.chunk = touched.chunk;

-- name: make_fresh_profiles
-- One row for each version, chunk, segment, and feature, with the bins that are not empty as lists.
-- All traffic is the sum over the first segment column.
create or replace temp table fresh_profiles as
with added as (
    select feature, version, chunk, '' as segment_column, '' as segment, bin,
        sum(n)::bigint as n, sum(s) as s, min(low) as low, max(high) as high
    from row_groups
    where segment_column = $first_segment
    group by feature, version, chunk, bin
    union all
    select feature, version, chunk, segment_column, segment, bin,
        sum(n)::bigint as n, sum(s) as s, min(low) as low, max(high) as high
    from row_groups
    where segment_column <> ''
    group by feature, version, chunk, segment_column, segment, bin
)
select feature, version, make_timestamptz(chunk::bigint) as chunk, segment_column, segment,
    sum(n)::bigint as n,
    coalesce(sum(n) filter (where bin is null), 0)::bigint as n_null,
    coalesce(list(bin) filter (where bin is not null), []) as bins,
    coalesce(list(n) filter (where bin is not null), []) as counts,
    coalesce(list(s) filter (where bin is not null), []) as sums,
    min(low) as minimum,
    max(high) as maximum
from added
group by feature, version, chunk, segment_column, segment;

-- name: read_fresh_profiles
-- What was counted of rows that are not traffic.
select segment_column, segment, feature, chunk, n, n_null, bins, counts, sums, minimum, maximum
from fresh_profiles
order by segment_column, segment, feature, chunk;

-- name: keep_fresh_profiles
-- The counts of all traffic.
insert into feature_profiles
    (model, binning, version, chunk, feature, n, n_null, bins, counts, sums, minimum, maximum)
select $model, $binning, version, chunk, feature, n, n_null, bins, counts, sums, minimum, maximum
from fresh_profiles
where segment_column = ''
order by feature, version, chunk;

-- name: keep_fresh_segment_profiles
-- The counts of segments.
insert into segment_profiles
    (model, binning, version, chunk, segment_column, segment, feature, n, n_null, bins, counts, sums, minimum, maximum)
select $model, $binning, version, chunk, segment_column, segment, feature, n, n_null, bins, counts, sums, minimum, maximum
from fresh_profiles
where segment_column <> ''
order by segment_column, segment, feature, version, chunk;

-- name: read_feature_profiles
-- The counts of a window, grouped by version and feature; of all features, or of those named.
select version, feature, chunk, n, n_null, bins, counts, sums, minimum, maximum
from feature_profiles
where model = $model and binning = $binning and chunk >= $start and chunk < $end
    and ($features is null or list_contains($features::varchar[], feature))
    and ($version is null or version = $version)
order by version, feature, chunk;

-- name: read_segment_profiles
-- The same of one segment.
select version, feature, chunk, n, n_null, bins, counts, sums, minimum, maximum
from segment_profiles
where model = $model and binning = $binning and chunk >= $start and chunk < $end
    and segment_column = $segment_column and segment = $segment
    and ($features is null or list_contains($features::varchar[], feature))
    and ($version is null or version = $version)
order by version, feature, chunk;

-- name: read_null_counts
-- Nulls of a version's traffic, whatever the binning.
select version, chunk, feature, sum(n)::bigint as n, sum(n_null)::bigint as n_null
from feature_profiles
where model = $model and version = $version and chunk >= $start and chunk < $end
group by version, chunk, feature
order by chunk, feature;
