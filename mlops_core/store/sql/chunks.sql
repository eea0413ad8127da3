-- name: list_pending_chunks
-- The chunks that rows or labels have touched since they were counted.
select distinct chunk from pending_chunks where model = $model order by chunk;

-- name: clear_pending_chunks
-- Part of the transaction that counts them.
delete from pending_chunks where model = $model and list_contains($chunks::timestamptz[], chunk);
