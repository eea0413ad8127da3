-- name: next_batch
-- The writer holds the lock, so the number is free.
select coalesce(max(id), 0) + 1 as id from batches;

-- name: insert_batch
-- Part of the transaction that stores its rows.
insert into batches (id, model, kind, received, accepted, made_at, start_at, end_at)
values ($id, $model, $kind, $received, $accepted, $at, $start, $end);

-- name: list_deliveries
-- The deliveries of predictions that came since an instant, those refused whole included.
select made_at as "at", end_at as newest, received, accepted, 0 as refused
from batches
where model = $model and kind = 'predictions' and made_at >= $since
union all
select made_at, null, 0, 0, n
from refusals
where model = $model and kind = 'predictions' and made_at >= $since
order by "at";

-- name: get_newest_row
-- The time of the newest row that was ever delivered.
select max(end_at) as newest from batches where model = $model and kind = 'predictions';

-- name: list_longest_waits
-- How old the newest row was when the next delivery came, in microseconds, and how many such waits there were.
-- Time is counted back from the newest delivery: an outage must not make its own limit be forgotten.
with deliveries as (
    select made_at, max(end_at) over (order by id rows between unbounded preceding and 1 preceding) as newest
    from batches
    where model = $model and kind = 'predictions' and accepted > 0
)
select greatest(date_diff('microsecond', newest, made_at), 0)::bigint as wait_us, count(*) over () as n
from deliveries
where newest is not null and made_at >= (select max(made_at) from deliveries) - to_seconds($watched_s)
order by wait_us desc
limit $limit;

-- name: list_batches
-- The newest deliveries of a kind.
select id, model, kind, received, accepted, made_at as "at", start_at as start, end_at as "end"
from batches
where model = $model and kind = $kind
order by id desc
limit $limit;

-- name: count_labels
-- How many labels were stored at all, and how many since some instants; without an instant, all.
select coalesce(sum(accepted), 0)::bigint as n,
    coalesce(sum(accepted) filter (where $first::timestamptz is null or made_at > $first), 0)::bigint as since_first,
    coalesce(sum(accepted) filter (where $second::timestamptz is null or made_at > $second), 0)::bigint as since_second
from batches
where model = $model and kind = 'labels';

-- name: list_label_deliveries
-- When labels were stored, and how many, oldest first.
select made_at as "at", sum(accepted)::bigint as n
from batches
where model = $model and kind = 'labels' and accepted > 0
group by made_at
order by made_at;
