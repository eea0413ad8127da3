-- name: insert_decision
-- Part of the transaction that carries it out; gives its number, which its deployment shares.
insert into decisions (id, model, action, target, reason, evidence, made_at)
select coalesce(max(id), 0) + 1, $model, $action, $target, $reason, $evidence, $at
from decisions
returning id;

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

-- name: list_deployments
-- Every change of production.
select id, model, version, previous, action, made_at as "at", actor, channel, reason, key
from deployments
where model = $model
order by id;

-- name: list_deciding_deployments
-- The newest change to each version, and what an idempotency key did: all that a further change depends on.
select id, model, version, previous, action, made_at as "at", actor, channel, reason, key
from deployments
where model = $model
qualify row_number() over (partition by version order by id desc) = 1 or key = $key
order by id;
