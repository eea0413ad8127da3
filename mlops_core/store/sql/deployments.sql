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

-- name: get_change_basis
-- All that a further change of production depends on, and the audit line that it follows; always one row.
select max_by(version, id) as champion, coalesce(bool_or(version = $version), false) as has_served,
    max(id) filter (where key = $key) as repeated,
    (select coalesce(max(id), 0) from audit) as line, (select max_by(hash, id) from audit) as hash
from deployments
where model = $model;

-- name: get_deployment
-- One change of production.
select id, model, version, previous, action, made_at as "at", actor, channel, reason, key
from deployments
where id = $id;
