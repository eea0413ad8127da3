-- name: list_last_verdicts
-- What each check said before, since a deployment.
select version, code, subject, status
from verdicts
where model = $model and made_at >= $since
qualify row_number() over (partition by version, code, subject order by id desc) = 1
order by version, code, subject;

-- name: list_standing_verdicts
-- The newest of each check since a deployment, whole, as of now or of an instant.
select model, version, code, subject, status, reason, evidence, made_at as "at"
from verdicts
where model = $model and made_at >= $since and ($before::timestamptz is null or made_at <= $before)
qualify row_number() over (partition by version, code, subject order by id desc) = 1
order by version, code, subject;

-- name: insert_verdict
-- A verdict that differs from the last one.
insert into verdicts (id, model, version, code, subject, status, reason, evidence, made_at)
select coalesce(max(id), 0) + 1, $model, $version, $code, $subject, $status, $reason, $evidence, $at
from verdicts;

-- name: list_verdicts
-- The newest changes.
select model, version, code, subject, status, reason, evidence, made_at as "at"
from verdicts
where model = $model
order by id desc
limit $limit;

-- name: insert_comparison
-- A result on the same rows.
insert into comparisons (id, model, champion, candidate, start_at, end_at, result, made_at)
select coalesce(max(id), 0) + 1, $model, $champion, $candidate, $start, $end, $result, $at
from comparisons;

-- name: list_comparisons
-- The newest result for each candidate.
select candidate, start_at as start, end_at as "end", result, made_at as "at"
from comparisons
where model = $model and champion = $champion
qualify row_number() over (partition by candidate order by id desc) = 1
order by candidate;

-- name: list_kept_comparisons
-- Every result, oldest first.
select champion, candidate, result, made_at as "at"
from comparisons
where model = $model
order by id;

-- name: get_newest_records
-- Marks of what was written last: any line of the audit log, of this model a check and a shadow, and any verdict and comparison.
select concat_ws(' ',
    (select max_by(hash, id) from audit), coalesce((select epoch_us(made_at) from refreshes where model = $model), 0),
    (select coalesce(max(id), 0) from verdicts), (select coalesce(max(id), 0) from comparisons),
    (select coalesce(max(epoch_us(s.made_at)), 0) from shadows as s join challengers as c on c.id = s.challenge
        where c.model = $model)) as newest;
