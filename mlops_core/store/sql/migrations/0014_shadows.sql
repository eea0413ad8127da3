create table shadows (
    challenge bigint primary key,
    champion varchar not null,
    start_at timestamptz not null,
    n_logged bigint not null,
    n_scored bigint not null,
    n_flipped bigint not null,
    result varchar,
    remark varchar,
    compared_at timestamptz not null,
    made_at timestamptz not null
)
;
