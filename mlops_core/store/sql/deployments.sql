-- name: next_deployment
-- The writer holds the lock, so the number is free; a decision and its deployment share it.
select coalesce(max(id), 0) + 1 as id from deployments;

-- name: insert_decision
-- Part of the transaction that carries it out.
insert into decisions (id, model, action, target, reason, evidence, made_at)
values ($id, $model, $action, $target, $reason, $evidence, $at);

-- name: insert_deployment
-- Part of the transaction of its decision.
insert into deployments (id, decision_id, model, version, previous, action, made_at, actor, channel, reason, key)
values ($id, $id, $model, $version, $previous, $action, $at, $actor, $channel, $reason, $key);

-- name: get_champion
-- The newest deployment.
select id, model, version, previous, action, made_at as "at", actor, channel, reason, key
from deployments
where model = $model
order by id desc
limit 1;

-- name: get_deployment_by_key
-- What an idempotency key did before.
select id, model, version, previous, action, made_at as "at", actor, channel, reason, key
from deployments
where model = $model and key = $key;

-- name: list_deployments
-- Every change of production.
select id, model, version, previous, action, made_at as "at", actor, channel, reason, key
from deployments
where model = $model
order by id;
