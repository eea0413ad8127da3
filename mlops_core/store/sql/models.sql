-- name: insert_model
-- Part of the transaction that makes its tables.
insert into models (name, spec, created_at) values ($name, $spec, $at);

-- name: list_models
-- Every model.
select name, spec from models order by name;

-- name: get_model
-- One model.
select name, spec from models where name = $name;

-- name: update_model_text
-- Part of the transaction that tells of it in the audit log; the tables stay as they are.
update models set spec = $spec where name = $name;

-- name: get_snapshot
-- What is known of frozen rows.
select id, model, row_count as "rows", start_at as start, end_at as "end", null_fractions, created_at, columns,
    label_coverage, origin
from snapshots
where model = $model and id = $id
order by created_at
limit 1;

-- name: insert_snapshot
-- Part of the transaction that registers a version.
insert into snapshots (id, model, row_count, start_at, end_at, null_fractions, created_at, columns, label_coverage,
    origin)
values ($id, $model, $rows, $start, $end, $null_fractions, $created_at, $columns, $label_coverage, $origin);

-- name: insert_version
-- Versions keep the order in which they were registered.
insert into versions (model, name, position, features, parameters, offline_metrics, snapshot_id,
    code_id, artifact_hash, artifact_bytes, libraries, created_at, created_by, run)
select $model, $name, count(*) + 1, $features, $parameters, $offline_metrics, $snapshot_id,
    $code_id, $artifact_hash, $artifact_bytes, $libraries, $created_at, $created_by, $run
from versions where model = $model;

-- name: list_versions
-- A model's versions with their snapshots.
select v.model, v.name, v.features, v.parameters, v.offline_metrics, v.code_id, v.artifact_hash,
    v.artifact_bytes, v.libraries, v.created_at, v.created_by, v.run,
    s.id as snapshot_id, s.row_count as snapshot_rows, s.start_at as snapshot_start, s.end_at as snapshot_end,
    s.null_fractions as snapshot_null_fractions, s.created_at as snapshot_created_at,
    s.columns as snapshot_columns, s.label_coverage as snapshot_label_coverage, s.origin as snapshot_origin
from versions as v
join snapshots as s on s.model = v.model and s.id = v.snapshot_id
where v.model = $model
order by v.position;

-- name: get_version
-- One version with its snapshot.
select v.model, v.name, v.features, v.parameters, v.offline_metrics, v.code_id, v.artifact_hash,
    v.artifact_bytes, v.libraries, v.created_at, v.created_by, v.run,
    s.id as snapshot_id, s.row_count as snapshot_rows, s.start_at as snapshot_start, s.end_at as snapshot_end,
    s.null_fractions as snapshot_null_fractions, s.created_at as snapshot_created_at,
    s.columns as snapshot_columns, s.label_coverage as snapshot_label_coverage, s.origin as snapshot_origin
from versions as v
join snapshots as s on s.model = v.model and s.id = v.snapshot_id
where v.model = $model and v.name = $name;

-- name: find_version_of_run
-- The name of the version that a run has registered.
select name from versions where model = $model and run = $run order by position limit 1;
