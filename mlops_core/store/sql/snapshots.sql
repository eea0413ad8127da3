-- name: list_snapshots
-- A model's snapshots with what has become of their rows, the newest first.
select s.id, s.model, s.row_count as "rows", s.start_at as start, s.end_at as "end", s.null_fractions, s.created_at,
    s.columns, s.label_coverage, s.origin, coalesce(c.n, 0) as n_changes, c.content, c.contents,
    c.row_count as rows_now, c.changed_at, coalesce(c.n_erasures, 0) as n_erasures, coalesce(c.back_at, s.created_at) as frozen_at
from snapshots as s
left join (
    select snapshot_id, count(*) as n, arg_max_null(content, id) as content, max_by(row_count, id) as row_count,
        list(content) filter (where content is not null) as contents, max_by(made_at, id) as changed_at, count(erasure) as n_erasures,
        max(made_at) filter (where content is not null and erasure is null) as back_at
    from snapshot_changes
    group by snapshot_id
) as c on c.snapshot_id = s.id
where s.model = $model
order by s.created_at desc, s.id;

-- name: insert_snapshot_change
-- Other rows from now on, or none; part of the transaction that tells of it.
insert into snapshot_changes (id, snapshot_id, content, row_count, erasure, made_at)
select coalesce(max(id), 0) + 1, $snapshot_id, $content, $rows, $erasure, $at from snapshot_changes;

-- name: bring_snapshot_back
-- Rows that were deleted and are frozen again are there again, as they were left.
insert into snapshot_changes (id, snapshot_id, content, row_count, erasure, made_at)
select (select max(id) from snapshot_changes) + 1, snapshot_id, coalesce(max_by(content, id), snapshot_id),
    coalesce(max_by(row_count, id) filter (where content is not null), $rows), null, $at
from snapshot_changes
where snapshot_id = $snapshot_id
group by snapshot_id
having arg_max_null(content, id) is null;

-- name: list_contents_of_erasure
-- The files that an erasure has rewritten, and what they hold since.
select snapshot_id, content, row_count as "rows"
from snapshot_changes
where erasure = $digest
order by id;

-- name: list_snapshots_of_others
-- Snapshots of a model whose file other models' snapshots share.
select id from snapshots where model <> $model and id in (select id from snapshots where model = $model) order by id;

-- name: list_snapshot_versions
-- Which versions were trained on which snapshot, in the order of registration.
select name, snapshot_id from versions where model = $model order by position;

-- name: insert_erasure
-- Part of the transaction that erases.
insert into erasures (id, model, digest, made_at)
select coalesce(max(id), 0) + 1, $model, $digest, $at from erasures;

-- name: find_erasure
-- When a prediction was erased last.
select made_at as "at" from erasures where model = $model and digest = $digest order by id desc limit 1;

-- name: find_gone
-- When a snapshot's rows were deleted; nothing while they are there.
select max_by(made_at, id) as gone_since
from snapshot_changes
where snapshot_id = $snapshot_id
having count(*) > 0 and arg_max_null(content, id) is null
order by gone_since;
