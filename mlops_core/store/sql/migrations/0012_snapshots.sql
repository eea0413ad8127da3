-- What has become of the rows of snapshots since they were frozen, and which predictions were erased, by their hash.
alter table retentions add column snapshot_days bigint;

create table snapshot_changes (
    id bigint primary key,
    snapshot_id varchar not null,
    content varchar,
    row_count bigint not null,
    erasure varchar,
    made_at timestamptz not null
);

create table erasures (
    id bigint primary key,
    model varchar not null,
    digest varchar not null,
    made_at timestamptz not null
)
