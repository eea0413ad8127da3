-- name: create_migrations_table
-- The record of what has been applied.
create table if not exists migrations (
    number integer primary key,
    applied_at timestamptz not null default now()
);

-- name: list_migrations
-- What has been applied.
select number from migrations order by number;

-- name: record_migration
-- Part of the transaction that applies it.
insert into migrations (number) values ($number);
