"""Results are kept until something is committed, and no longer."""

import pyarrow as pa

from mlops_core.store.results import MOST_BYTES_EACH, ResultCache


def test_query_gives_what_was_committed_last(database):
    statement = "select count(*) as n from refreshes"
    assert database.table(statement)["n"].to_pylist() == [0]
    with database.transaction() as transaction:
        transaction.run_sql("insert into refreshes (model, made_at) values ('a', now())")
    assert database.table(statement)["n"].to_pylist() == [1]


def test_result_is_not_kept_when_a_commit_came_in_between():
    cache, table = ResultCache(), pa.table({"n": [1]})
    before = cache.commits
    cache.forget()
    cache.keep("query", table, before)
    assert cache.find("query") is None
    cache.keep("query", table, cache.commits)
    assert cache.find("query") is table
    cache.forget()
    assert cache.find("query") is None


def test_large_results_are_not_kept():
    cache = ResultCache()
    cache.keep("query", pa.table({"n": pa.array(range(MOST_BYTES_EACH // 8 + 1))}), cache.commits)
    assert cache.find("query") is None
