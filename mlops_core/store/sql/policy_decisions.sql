-- name: insert_policy_decision
-- Once for a model and key.
insert into policy_decisions (id, model, decision, key, causes, verdicts, obstacle, words, terms, run, trouble, made_at)
select coalesce(max(id), 0) + 1, $model, $decision, $key, $causes, $verdicts, $obstacle, $words, $terms, null, '', $at
from policy_decisions
having count(*) filter (where model = $model and key = $key) = 0;

-- name: settle_policy_decision
-- What came of ordering its run; nothing once that is ordered, and nothing when the same was known.
update policy_decisions
set run = $run, trouble = $trouble
where model = $model and key = $key and run is null and ($run is not null or trouble <> $trouble);

-- name: list_policy_decisions
-- The newest first.
select model, decision, key, causes, verdicts, obstacle, words, terms, run, trouble, made_at as "at"
from policy_decisions
where model = $model
order by id desc
limit $limit;
