-- name: list_strays
-- Every chunk in which a version answered out of turn, oldest first.
select version, chunk, row_count as n, first_at as first, last_at as last, found_at
from strays
where model = $model
order by chunk, version;

-- name: delete_strays
-- Before chunks are looked at anew.
delete from strays where model = $model and list_contains($chunks::timestamptz[], chunk);

-- name: insert_stray
-- Part of the transaction that looks at its chunk.
insert into strays (model, version, chunk, row_count, first_at, last_at, found_at)
values ($model, $version, $chunk, $n, $first, $last, $found_at);

-- name: note_strays
-- What is told from now on.
update strays set found_at = $at where model = $model and found_at is null;

-- name: delete_strays_before
-- Part of the transaction that deletes what is too old.
delete from strays where model = $model and chunk < $before;
