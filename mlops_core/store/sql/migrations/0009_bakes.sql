-- What each change of production promised, how long it is watched, and how that ended.
create table bakes (
    deployment bigint primary key,
    model varchar not null,
    version varchar not null,
    start_at timestamptz not null,
    until_at timestamptz not null,
    metric varchar not null,
    origin varchar not null,
    promised double,
    promised_low double,
    promised_high double,
    outcome varchar,
    reason varchar not null,
    decided_at timestamptz,
    evidence varchar not null,
    revert varchar,
    refusal varchar not null
)
