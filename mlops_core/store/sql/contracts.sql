-- name: list_contract_revisions
-- The newest changes of a contract.
select id, model, edits, made_at as "at", actor, channel, reason
from contracts
where model = $model
order by id desc
limit $limit;

-- name: insert_contract_revision
-- Part of the transaction that writes its audit event.
insert into contracts (id, model, edits, made_at, actor, channel, reason)
select coalesce(max(id), 0) + 1, $model, $edits, $at, $actor, $channel, $reason
from contracts;
