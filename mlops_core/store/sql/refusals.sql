-- name: insert_refusal
-- A delivery that was not stored.
insert into refusals (id, model, kind, reason, n, examples, made_at)
select coalesce(max(id), 0) + 1, $model, $kind, $reason, $n, $examples, $at
from refusals;

-- name: forget_old_refusals
-- Part of the transaction that adds one: a sender that keeps failing must not fill the disk.
delete from refusals
where model = $model and id not in (select id from refusals where model = $model order by id desc limit $most);

-- name: list_refusals
-- The newest first.
select id, model, kind, reason, n, examples, made_at as "at"
from refusals
where model = $model and made_at >= $start and made_at < $end
order by made_at desc, id desc
limit $limit;

-- name: list_refused_examples
-- What refused deliveries hold of their rows, to find those that speak of a prediction.
select id, reason, examples from refusals where model = $model order by id;

-- name: set_refusal_examples
-- Part of the transaction that erases a prediction from them.
update refusals set examples = $examples, reason = $reason where id = $id;
