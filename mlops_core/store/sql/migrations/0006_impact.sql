-- How the labelled rows that tell what a version's score is worth lie over its features: from this the cost of drift
-- is expected.
create table joint_references (
    id bigint primary key,
    model varchar not null,
    version varchar not null,
    binning bigint not null,
    threshold double not null,
    snapshot_id varchar,
    start_at timestamptz,
    end_at timestamptz,
    is_held_out boolean not null,
    available_rows bigint not null,
    first_positive integer not null,
    squared_error double[] not null,
    log_loss double[] not null,
    made_at timestamptz not null
);

create table joint_counts (
    reference bigint not null,
    feature varchar not null,
    group_starts smallint[],
    categories smallint[],
    cells integer[] not null,
    counts bigint[] not null
)
