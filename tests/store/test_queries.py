"""Named statements: each is found, used, valid, and ordered."""

import re
from importlib.resources import files

import pytest

from mlops_core.config import PROJECT
from mlops_core.store import queries
from mlops_core.store.count_tables import PROFILE_SCHEMA
from mlops_core.store.queries import get_query, load_queries
from mlops_core.store.references import REFERENCE_SCHEMA

SOURCE = "\n".join(file.read_text(encoding="utf-8") for file in (PROJECT / "mlops_core").rglob("*.py"))
ONE_ROW = {"get_", "next_", "count_", "last_"}


def test_every_statement_is_loaded_when_names_are_unique():
    text = "\n".join(
        file.read_text(encoding="utf-8")
        for file in files("mlops_core.store").joinpath("sql").iterdir()
        if file.name.endswith(".sql")
    )
    assert len(load_queries()) == len(re.findall(r"^-- name: ", text, re.MULTILINE))


def test_loading_is_refused_when_a_name_is_there_twice(tmp_path, monkeypatch):
    for name in ("a.sql", "b.sql"):
        (tmp_path / "sql").mkdir(exist_ok=True)
        (tmp_path / "sql" / name).write_text("-- name: same\n-- Purpose.\nselect 1;\n")
    monkeypatch.setattr(queries, "files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=r"Two statements are named 'same'; the second is in b\.sql"):
        load_queries.__wrapped__()


@pytest.mark.parametrize("name", sorted(load_queries()))
def test_statement_is_used_and_says_its_purpose(name):
    generated = re.search(rf'f"{re.sub("score|feature", "{table}", name)}"', SOURCE)
    assert f'"{name}"' in SOURCE or generated
    assert get_query(name).startswith("-- ")
    assert get_query(name).splitlines()[0].endswith(".")


def test_every_statement_is_valid_when_duckdb_plans_it(database):
    with (
        database.transaction() as transaction,
        transaction.attached("reference_rows", REFERENCE_SCHEMA.empty_table()),
        transaction.attached("counted_profiles", PROFILE_SCHEMA.empty_table()),
        transaction.attached("touched_chunks", PROFILE_SCHEMA.empty_table()),
    ):
        for statement in load_queries().values():
            transaction.table(f"explain {statement}", dict.fromkeys(re.findall(r"\$(\w+)", statement)))


@pytest.mark.parametrize("name", sorted(load_queries()))
def test_select_of_several_rows_states_its_order_and_columns(name):
    statement = "\n".join(line for line in get_query(name).splitlines() if not line.startswith("--"))
    if not statement.startswith("select") or any(name.startswith(prefix) for prefix in ONE_ROW):
        return
    assert re.search(r"\border by [^)]*$", statement)
    assert "*" not in statement.replace("count(*)", "")
