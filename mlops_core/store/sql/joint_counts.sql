-- name: find_joint_reference
-- The newest counts of a version's labelled rows under a binning, of its snapshot or of a window.
select id, is_held_out, available_rows, first_positive, squared_error, log_loss
from joint_references
where model = $model and version = $version and binning = $binning and threshold = $threshold
    and snapshot_id is not distinct from $snapshot_id
    and start_at is not distinct from $start::timestamptz and end_at is not distinct from $end::timestamptz
order by id desc
limit 1;

-- name: insert_joint_reference
-- Part of the transaction that stores its counts; gives its number.
insert into joint_references (id, model, version, binning, threshold, snapshot_id, start_at, end_at, is_held_out,
    available_rows, first_positive, squared_error, log_loss, made_at)
select coalesce(max(id), 0) + 1, $model, $version, $binning, $threshold, $snapshot_id, $start, $end, $is_held_out,
    $available_rows, $first_positive, $squared_error, $log_loss, $at
from joint_references
returning id;

-- name: delete_joint_counts
-- Before the labelled rows of a window are counted again, with the labels that came since.
delete from joint_counts where reference = $reference;

-- name: delete_joint_reference
-- Before the labelled rows of a window are counted again, with the labels that came since.
delete from joint_references where id = $reference;

-- name: insert_joint_counts
-- The rows of one feature by group, score group, and label; only the cells that are not empty.
insert into joint_counts (reference, feature, group_starts, categories, cells, counts)
values ($reference, $feature, $group_starts, $categories, $cells, $counts);

-- name: read_joint_counts
-- The rows of each feature by group, score group, and label.
select feature, group_starts, categories, cells, counts
from joint_counts
where reference = $reference
order by feature;
