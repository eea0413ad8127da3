-- name: store_shadow
-- How the shadow of a challenger stands; the line of a challenge is replaced.
insert or replace into shadows
values ($challenge, $champion, $start, $n_logged, $n_scored, $n_flipped, $result, $remark, $compared_at, $made_at);

-- name: get_shadow
-- What was found of a challenge when it was last looked at.
select challenge, champion, start_at as start, n_logged, n_scored, n_flipped, result, remark, compared_at, made_at
from shadows
where challenge = $challenge;
