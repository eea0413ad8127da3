-- How long rows and profiles are kept, and from when on they are there.
create table retentions (
    id bigint primary key,
    model varchar not null,
    row_days bigint,
    profile_days bigint,
    made_at timestamptz not null
);

create table kept_from (
    model varchar primary key,
    rows_from timestamptz not null,
    profiles_from timestamptz
)
