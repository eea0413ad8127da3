-- Features are counted by bin: the null counts make room for whole profiles, and rows know the batch they came in.
drop table feature_profiles;

create table binnings (
    id bigint primary key,
    model varchar not null,
    origin varchar not null,
    made_at timestamptz not null
);

create table feature_binnings (
    binning bigint not null,
    feature varchar not null,
    transform varchar,
    centre double,
    scale double,
    is_full boolean not null,
    primary key (binning, feature)
);

create table binning_categories (
    binning bigint not null,
    feature varchar not null,
    bin smallint not null,
    value varchar not null
);

create table feature_profiles (
    model varchar not null,
    binning bigint not null,
    version varchar not null,
    chunk timestamptz not null,
    feature varchar not null,
    n bigint not null,
    n_null bigint not null,
    bins smallint[] not null,
    counts bigint[] not null,
    sums double[] not null,
    minimum double,
    maximum double
);

create table segment_profiles (
    model varchar not null,
    binning bigint not null,
    version varchar not null,
    chunk timestamptz not null,
    segment_column varchar not null,
    segment varchar not null,
    feature varchar not null,
    n bigint not null,
    n_null bigint not null,
    bins smallint[] not null,
    counts bigint[] not null,
    sums double[] not null,
    minimum double,
    maximum double
);

create table counted_batches (
    model varchar primary key,
    batch bigint not null
);

create table standing_references (
    id bigint primary key,
    model varchar not null,
    kind varchar not null,
    version varchar,
    snapshot_id varchar,
    binning bigint not null,
    start_at timestamptz not null,
    end_at timestamptz not null,
    row_count bigint not null,
    chunk_count bigint not null,
    made_at timestamptz not null
);

create table reference_profiles (
    reference bigint not null,
    segment_column varchar not null,
    segment varchar not null,
    feature varchar not null,
    n bigint not null,
    n_null bigint not null,
    bins smallint[] not null,
    counts bigint[] not null,
    sums double[] not null,
    minimum double,
    maximum double,
    group_starts smallint[],
    natural_variations double[] not null
)
