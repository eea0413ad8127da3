-- What a version's score was worth on labelled rows, from which its performance is estimated while labels are missing.
create table reference_scores (
    model varchar not null,
    version varchar not null,
    snapshot_id varchar not null,
    threshold double not null,
    is_held_out boolean not null,
    available_rows bigint not null,
    bins smallint[] not null,
    negative bigint[] not null,
    positive bigint[] not null,
    made_at timestamptz not null
)
