-- What is asked of a model's traffic, as people have set it, and the deliveries that were refused.
create table contracts (
    id bigint primary key,
    model varchar not null,
    edits varchar not null,
    made_at timestamptz not null,
    actor varchar not null,
    channel varchar not null,
    reason varchar not null
);

create table refusals (
    id bigint primary key,
    model varchar not null,
    kind varchar not null,
    reason varchar not null,
    n bigint not null,
    examples varchar not null,
    made_at timestamptz not null
)
