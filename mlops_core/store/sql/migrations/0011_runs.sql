-- Training runs: what was asked for, and each change of where a run stands, the newest of which counts.
create table runs (
    id bigint primary key,
    model varchar not null,
    workflow varchar not null,
    cause varchar not null,
    start_at timestamptz,
    end_at timestamptz,
    candidates varchar[] not null,
    snapshot_id varchar,
    reason varchar not null,
    actor varchar not null,
    channel varchar not null,
    key varchar,
    made_at timestamptz not null,
    recorded_at timestamptz not null
);

create table run_changes (
    run bigint not null,
    position bigint not null,
    status varchar not null,
    steps varchar not null,
    version varchar,
    reason varchar not null,
    report varchar not null,
    recorded_at timestamptz not null
);

alter table versions add column run bigint;

alter table snapshots add column columns varchar default '{}';

alter table snapshots add column label_coverage double;

alter table snapshots add column origin varchar default ''
;

create table challengers (
    id bigint primary key,
    model varchar not null,
    version varchar,
    reason varchar not null,
    actor varchar not null,
    channel varchar not null,
    made_at timestamptz not null
)
