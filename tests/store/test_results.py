"""Results are kept until something is committed, and no longer."""

import re

import pyarrow as pa
import pytest

from mlops_core.store.queries import load_queries
from mlops_core.store.results import MOST_BYTES_EACH, ResultCache, find_written

QUERY = ("select count(*) as n from refreshes", ())


def test_query_gives_what_was_committed_last(database):
    statement = "select count(*) as n from refreshes"
    assert database.table(statement)["n"].to_pylist() == [0]
    with database.transaction() as transaction:
        transaction.run_sql("insert into refreshes (model, made_at) values ('a', now())")
    assert database.table(statement)["n"].to_pylist() == [1]


def test_result_is_not_kept_when_a_commit_came_in_between():
    cache, table = ResultCache(), pa.table({"n": [1]})
    before = cache.commits
    cache.forget({"refreshes"})
    cache.keep(QUERY, table, before)
    assert cache.find(QUERY) is None
    cache.keep(QUERY, table, cache.commits)
    assert cache.find(QUERY) is table
    cache.forget({"refreshes"})
    assert cache.find(QUERY) is None


def test_result_is_kept_while_only_other_tables_are_written(database):
    statement = "select count(*) as n from refreshes"
    first = database.table(statement)
    with database.transaction() as transaction:
        transaction.run_sql("insert into pending_chunks (model, chunk) values ('a', now())")
    assert database.table(statement) is first
    with database.transaction() as transaction:
        transaction.run_sql("update refreshes set made_at = now(); delete from pending_chunks")
    assert database.table(statement) is not first


@pytest.mark.parametrize("name", sorted(load_queries()))
def test_what_a_named_statement_writes_is_known(name):
    """Of reading statements nothing is forgotten, of writing ones the table that is named after the verb."""
    text = " ".join(line for line in load_queries()[name].splitlines() if not line.startswith("--"))
    words = re.sub("or replace |if not exists ", "", text).split()
    written = find_written(load_queries()[name])
    if words[0] in ("select", "with", "from"):
        assert written == frozenset()
    else:
        assert written == {words[1] if words[0] == "update" else words[2].strip("(")}


@pytest.mark.parametrize(
    "statement",
    ["drop table refreshes", "select 1; delete from refreshes", "with a as (select 1) insert into b from a"],
)
def test_statement_may_write_anything_when_it_is_not_understood(statement):
    assert find_written(statement) is None


def test_large_results_are_not_kept():
    cache = ResultCache()
    cache.keep(QUERY, pa.table({"n": pa.array(range(MOST_BYTES_EACH // 8 + 1))}), cache.commits)
    assert cache.find(QUERY) is None
