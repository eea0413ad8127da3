-- name: insert_binning
-- A binning of a model's features; gives its number.
insert into binnings (id, model, origin, made_at)
select coalesce(max(id), 0) + 1, $model, $origin, $at
from binnings
returning id;

-- name: get_binning
-- The newest binning.
select id, origin, made_at as "at" from binnings where model = $model order by id desc limit 1;

-- name: list_feature_binnings
-- How each feature is binned.
select feature, transform, centre, scale, is_full from feature_binnings where binning = $binning order by feature;

-- name: insert_feature_binning
-- How one feature is binned.
insert into feature_binnings (binning, feature, transform, centre, scale, is_full)
values ($binning, $feature, $transform, $centre, $scale, $is_full);

-- name: delete_feature_binning
-- Before it is written with more.
delete from feature_binnings where binning = $binning and feature = $feature;

-- name: list_binning_categories
-- The category of each bin.
select feature, value from binning_categories where binning = $binning order by feature, bin;

-- name: insert_binning_categories
-- New categories behind those that are known.
insert into binning_categories (binning, feature, bin, value)
select $binning, $feature, $first + position - 1, value
from (select unnest($values::varchar[]) as value, generate_subscripts($values::varchar[], 1) as position);
