-- What policies have decided, once each: a run, or that one was held though something asked for it.
create table policy_decisions (
    id bigint primary key,
    model varchar not null,
    decision varchar not null,
    key varchar not null,
    causes varchar[] not null,
    verdicts varchar not null,
    obstacle varchar,
    words varchar not null,
    terms varchar not null,
    run bigint,
    trouble varchar not null,
    made_at timestamptz not null
)
