-- name: get_retention
-- The setting that counts: the newest.
select row_days, profile_days, snapshot_days from retentions where model = $model order by id desc limit 1;

-- name: insert_retention
-- Settings are only added to.
insert into retentions (id, model, row_days, profile_days, snapshot_days, made_at)
select coalesce(max(id), 0) + 1, $model, $row_days, $profile_days, $snapshot_days, $at from retentions;

-- name: get_rows_from
-- From when on rows are there; none while nothing was deleted.
select rows_from from kept_from where model = $model;

-- name: set_kept_from
-- Part of the transaction that deletes.
insert or replace into kept_from (model, rows_from, profiles_from) values ($model, $rows_from, $profiles_from);

-- name: count_pending_before
-- Chunks whose rows must not go before they are counted.
select count(*)::bigint as n from pending_chunks where model = $model and chunk < $before;

-- name: count_profiles_before
-- Chunks whose counts are older than an instant.
select count(distinct chunk)::bigint as n from score_profiles where model = $model and chunk < $before;

-- name: delete_score_profiles_before
-- Part of the transaction that deletes what is too old.
delete from score_profiles where model = $model and chunk < $before;

-- name: delete_feature_profiles_before
-- Part of the transaction that deletes what is too old.
delete from feature_profiles where model = $model and chunk < $before;

-- name: delete_segment_profiles_before
-- Part of the transaction that deletes what is too old.
delete from segment_profiles where model = $model and chunk < $before;

-- name: get_file_room
-- Bytes of the file, and those of them that hold nothing.
select block_size * free_blocks as free, block_size * total_blocks as total from pragma_database_size();
