-- What people have chosen to compare a model's traffic with; a line without version and window goes back to the default.
create table reference_choices (
    id bigint primary key,
    model varchar not null,
    version varchar,
    start_at timestamptz,
    end_at timestamptz,
    made_at timestamptz not null,
    actor varchar not null,
    channel varchar not null,
    reason varchar not null
)
