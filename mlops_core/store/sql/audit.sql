-- name: last_audit_event
-- The line that the next one is chained to; always one row.
select coalesce(max(id), 0) as id, coalesce(max_by(hash, id), $first_hash) as hash from audit;

-- name: insert_audit_event
-- Part of the transaction of what it records.
insert into audit (id, made_at, actor, channel, action, model, subject, reason, evidence, previous_hash, hash)
values ($id, $at, $actor, $channel, $action, $model, $subject, $reason, $evidence, $previous_hash, $hash);

-- name: list_audit_events
-- The newest lines, of one model or of all.
select id, made_at as "at", actor, channel, action, model, subject, reason, evidence, previous_hash, hash
from audit
where $model is null or model = $model
order by id desc
limit $limit;

-- name: list_audit_chain
-- Every line, to check the chain.
select id, made_at as "at", actor, channel, action, model, subject, reason, evidence, previous_hash, hash
from audit
order by id;

-- name: count_audit_events
-- How long the chain is.
select count(*) as n from audit;
