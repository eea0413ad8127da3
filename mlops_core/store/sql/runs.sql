-- name: next_run
-- The writer holds the lock, so the number is free.
select coalesce(max(id), 0) + 1 as id from runs;

-- name: insert_run
-- Part of the transaction that tells of it in the audit log.
insert into runs (id, model, workflow, cause, start_at, end_at, candidates, snapshot_id, reason, actor, channel, key,
    made_at, recorded_at, held_from)
values ($id, $model, $workflow, $cause, $start, $end, $candidates, $snapshot, $reason, $actor, $channel, $key,
    $at, $recorded_at, $held_from);

-- name: insert_run_change
-- Where a run stands from now on; nothing once it is over.
insert into run_changes (run, position, status, steps, version, reason, report, recorded_at)
select $run, count(*) + 1, $status, $steps, $version, $reason, $report, $recorded_at
from run_changes
where run = $run
having coalesce(max_by(status, position), '') not in ('succeeded', 'refused', 'failed', 'cancelled');

-- name: list_runs
-- The newest runs of a model with where they stand, the newest first; their reports only when asked for.
select r.id, r.model, r.workflow, r.cause, r.start_at as start, r.end_at as "end", r.candidates, r.snapshot_id,
    r.reason as why, r.actor, r.channel, r.key, r.made_at as "at", r.recorded_at,
    r.held_from, c.status, c.steps, c.version, c.reason, case when $with_reports then c.report else '{}' end as report,
    c.recorded_at as changed_at
from runs as r
left join run_changes as c on c.run = r.id
where r.model = $model
qualify row_number() over (partition by r.id order by c.position desc) = 1
order by r.id desc
limit $limit;

-- name: get_run
-- One run with where it stands.
select r.id, r.model, r.workflow, r.cause, r.start_at as start, r.end_at as "end", r.candidates, r.snapshot_id,
    r.reason as why, r.actor, r.channel, r.key, r.made_at as "at", r.recorded_at,
    r.held_from, c.status, c.steps, c.version, c.reason, c.report, c.recorded_at as changed_at
from runs as r
left join run_changes as c on c.run = r.id
where r.id = $id
order by c.position desc
limit 1;

-- name: list_open_runs
-- The numbers of the runs of all models that are not over, oldest first.
select r.id
from runs as r
left join run_changes as c on c.run = r.id
group by r.id
having coalesce(max_by(c.status, c.position), 'queued') in ('queued', 'running')
order by r.id;

-- name: find_run_by_key
-- The run that an order with this key has made.
select id from runs where model = $model and key = $key order by id limit 1;

-- name: list_past_runs
-- What a policy knows of a model's runs, the newest first.
select r.id, r.made_at as "at", coalesce(max_by(c.status, c.position), 'queued') as status, r.cause
from runs as r
left join run_changes as c on c.run = r.id
where r.model = $model
group by r.id, r.made_at, r.cause
order by r.id desc
limit $limit;

-- name: list_run_times
-- How long the runs of a model took that came to the gate, by the machine's clock, in microseconds, oldest first.
select date_diff('microsecond', r.recorded_at, c.recorded_at) as took_us
from runs as r
inner join run_changes as c on c.run = r.id
where r.model = $model and c.status in ('succeeded', 'refused')
order by r.id;
