-- name: insert_bake
-- Part of the transaction of the change that it watches.
insert into bakes (deployment, model, version, start_at, until_at, metric, origin, promised, promised_low,
    promised_high, outcome, reason, decided_at, evidence, revert,
    refusal)
values ($deployment, $model, $version, $start, $until, $metric, $origin, $promised, $low, $high, null, '', null, '{}',
    null, '');

-- name: decide_bake
-- Once only: a window that has an outcome keeps it.
update bakes
set outcome = $outcome, reason = $reason, decided_at = $decided_at, evidence = $evidence, revert = $revert,
    refusal = $refusal
where deployment = $deployment and outcome is null;

-- name: settle_revert
-- What came of taking a change back; once only.
update bakes set revert = $revert, refusal = $refusal where deployment = $deployment and revert = 'due';

-- name: list_bakes
-- Every baking window, oldest first.
select deployment, model, version, start_at as start, until_at as until, metric, origin, promised,
    promised_low as low, promised_high as high, outcome, reason, decided_at, evidence, revert,
    refusal
from bakes
where model = $model
order by deployment;
