-- Rows that a version answered while the ledger did not have it in production, by chunk.
create table strays (
    model varchar not null,
    version varchar not null,
    chunk timestamptz not null,
    row_count bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    found_at timestamptz
)
