-- name: insert_challenger
-- From now on this version is the challenger; null for none.
insert into challengers (id, model, version, reason, actor, channel, made_at)
select coalesce(max(id), 0) + 1, $model, $version, $reason, $actor, $channel, $at
from challengers;

-- name: get_challenger
-- The newest line, unless its version has gone into production since.
select c.id, c.version, c.made_at as since, c.actor, c.channel, c.reason
from challengers as c
where c.model = $model
    and not exists (
        select d.id from deployments as d
        where d.model = c.model and d.version = c.version and d.made_at > c.made_at
    )
    and c.version is distinct from (select max_by(d.version, d.id) from deployments as d where d.model = $model)
    and c.id = (select max(id) from challengers where model = $model)
order by c.id
limit 1;
