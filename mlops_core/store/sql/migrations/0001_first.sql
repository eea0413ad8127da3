-- Control tables are small and may have keys; traffic and label tables are made per model, without any.
create table models (
    name varchar primary key,
    spec varchar not null,
    created_at timestamptz not null
);

create table snapshots (
    id varchar not null,
    model varchar not null,
    row_count bigint not null,
    start_at timestamptz not null,
    end_at timestamptz not null,
    null_fractions varchar not null,
    created_at timestamptz not null,
    primary key (model, id)
);

create table versions (
    model varchar not null,
    name varchar not null,
    position integer not null,
    features varchar[] not null,
    parameters varchar not null,
    offline_metrics varchar not null,
    snapshot_id varchar not null,
    code_id varchar not null,
    artifact_hash varchar not null,
    artifact_bytes bigint not null,
    created_at timestamptz not null,
    created_by varchar not null,
    primary key (model, name)
);

create table decisions (
    id bigint primary key,
    model varchar not null,
    action varchar not null,
    target varchar not null,
    reason varchar not null,
    evidence varchar not null,
    made_at timestamptz not null
);

create table deployments (
    id bigint primary key,
    decision_id bigint not null,
    model varchar not null,
    version varchar not null,
    previous varchar,
    action varchar not null,
    made_at timestamptz not null,
    actor varchar not null,
    channel varchar not null,
    reason varchar not null,
    key varchar,
    recorded_at timestamptz not null default now()
);

create table audit (
    id bigint primary key,
    made_at timestamptz not null,
    actor varchar not null,
    channel varchar not null,
    action varchar not null,
    model varchar,
    subject varchar not null,
    reason varchar not null,
    evidence varchar not null,
    previous_hash varchar not null,
    hash varchar not null,
    recorded_at timestamptz not null default now()
);

create table batches (
    id bigint primary key,
    model varchar not null,
    kind varchar not null,
    received bigint not null,
    accepted bigint not null,
    made_at timestamptz not null,
    start_at timestamptz,
    end_at timestamptz
);

create table pending_chunks (
    model varchar not null,
    chunk timestamptz not null
);

create table score_profiles (
    model varchar not null,
    version varchar not null,
    source varchar not null,
    chunk timestamptz not null,
    segment_column varchar not null,
    segment varchar not null,
    threshold double not null,
    label tinyint,
    bins usmallint[] not null,
    counts bigint[] not null,
    squared_error double not null,
    squared_error_squares double not null,
    log_loss double not null,
    log_loss_squares double not null
);

create table feature_profiles (
    model varchar not null,
    version varchar not null,
    chunk timestamptz not null,
    feature varchar not null,
    row_count bigint not null,
    null_count bigint not null
);

create table verdicts (
    id bigint primary key,
    model varchar not null,
    version varchar not null,
    code varchar not null,
    subject varchar not null,
    status varchar not null,
    reason varchar not null,
    evidence varchar not null,
    made_at timestamptz not null
);

create table comparisons (
    id bigint primary key,
    model varchar not null,
    champion varchar not null,
    candidate varchar not null,
    start_at timestamptz not null,
    end_at timestamptz not null,
    result varchar not null,
    made_at timestamptz not null
)
;

create table refreshes (
    model varchar primary key,
    made_at timestamptz not null
)
