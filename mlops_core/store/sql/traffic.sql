-- name: next_batch
-- The writer holds the lock, so the number is free.
select coalesce(max(id), 0) + 1 as id from batches;

-- name: insert_batch
-- Part of the transaction that stores its rows.
insert into batches (id, model, kind, received, accepted, made_at, start_at, end_at)
values ($id, $model, $kind, $received, $accepted, $at, $start, $end);

-- name: list_batches
-- The newest deliveries of a kind.
select id, model, kind, received, accepted, made_at as "at", start_at as start, end_at as "end"
from batches
where model = $model and kind = $kind
order by id desc
limit $limit;
