-- name: find_reference_scores
-- The newest counts of a version's scores on its labelled training rows.
select is_held_out, available_rows, bins, negative, positive
from reference_scores
where model = $model and version = $version and snapshot_id = $snapshot_id and threshold = $threshold
order by made_at desc
limit 1;

-- name: insert_reference_scores
-- Counted once per version and threshold.
insert into reference_scores (model, version, snapshot_id, threshold, is_held_out, available_rows, bins, negative,
    positive, made_at)
values ($model, $version, $snapshot_id, $threshold, $is_held_out, $available_rows, $bins, $negative, $positive, $at);
