"""What is prepared before anybody asks for a page."""

import ast
import json
import subprocess
import sys

import pytest

from mlops_core.config import PROJECT, Home
from mlops_core.demo.seeding import SeedingStage, SeedingState, demo_seeding
from mlops_core.services.overview import read_overview
from mlops_core.services.registry import list_specs, register_model
from mlops_core.shared import open_runtime
from pages.components.first_page import NEEDED, prepare_first_page, write_first_words
from pages.components.headline import write_headline
from tests.small_home import ACTOR, MODEL, MODEL_FILE, PRESENT, copy_small_home


def list_own_imports() -> set[str]:
    """Give the modules of this project that the overview imports."""
    tree = ast.parse((PROJECT / "pages" / "overview.py").read_text(encoding="utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name for name in names if name.startswith(("pages.", "mlops_core."))}


def test_everything_that_the_overview_imports_is_there_when_it_is_prepared():
    program = (
        "import importlib, json, sys\n"
        f"for name in {NEEDED!r}:\n"
        "    importlib.import_module(name)\n"
        "print(json.dumps(list(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert list_own_imports() <= set(json.loads(ended.stdout))


@pytest.mark.parametrize("open_home", [copy_small_home, Home], ids=["full", "empty"])
def test_preparing_changes_nothing_whatever_the_home_holds(tmp_path, open_home):
    runtime = open_runtime(open_home(tmp_path / "home"))
    try:
        before = runtime.database.table("select count(*) as n from audit")
        prepare_first_page(runtime)
        assert runtime.database.table("select count(*) as n from audit") == before
    finally:
        runtime.close()


@pytest.fixture
def runtime(tmp_path):
    opened = open_runtime(copy_small_home(tmp_path / "home"))
    yield opened
    opened.close()


@pytest.mark.parametrize("name", [None, MODEL])
def test_first_words_are_those_of_the_overview(runtime, name):
    spec = list_specs(runtime)[0]
    headline = read_overview(runtime, spec, runtime.now(MODEL)).headline
    assert "v2" in headline.sentence
    found = [write_first_words(runtime, name) for _ in range(2)]
    assert all(write_headline(headline) in words for words in found), "found at first, kept from then on"
    assert f'class="st-key-banner-{headline.status.value}"' in found[0]


def test_first_words_are_text_whatever_was_kept(runtime):
    write_first_words(runtime, None)
    file = runtime.home.words / f"{MODEL}.json"
    kept = json.loads(file.read_text())
    kept["words"]["sentence"] = "<script>alert(1)</script>"
    file.write_text(json.dumps(kept))
    words = write_first_words(runtime, None)
    assert "&lt;script&gt;alert(1)" in words
    assert "<script>alert" not in words


def test_nothing_is_said_of_an_unknown_model(runtime):
    assert write_first_words(runtime, "nope") == ""


def test_nothing_is_said_of_an_empty_home(tmp_path):
    runtime = open_runtime(Home(tmp_path / "empty"))
    try:
        assert write_first_words(runtime, None) == ""
    finally:
        runtime.close()


def test_nothing_is_said_while_the_demo_is_being_told(runtime, monkeypatch):
    monkeypatch.setattr(demo_seeding, "_state", SeedingState(state=SeedingStage.RUNNING))
    assert write_first_words(runtime, None) == ""


def test_nothing_is_said_when_the_store_fails_and_the_page_tells_why(runtime):
    with runtime.database.transaction() as transaction:
        transaction.run_sql("drop table score_profiles")
    assert write_first_words(runtime, None) == ""


def test_nothing_is_said_where_a_table_of_models_comes_first(runtime):
    text = MODEL_FILE.replace(f'"{MODEL}"', '"other"')
    register_model(runtime, text, actor=ACTOR, now=PRESENT)
    assert write_first_words(runtime, None) == ""
    assert write_first_words(runtime, MODEL) == ""


def test_app_answers_before_it_imports_the_statistics():
    program = "import json, sys\nimport app, mlops_core.cli.serve\nprint(json.dumps(list(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(ended.stdout.splitlines()[-1]))
    assert "mlops_core.services.runtime" in loaded
    assert not loaded & {"scipy", "sklearn", "pandas", "pyarrow.parquet", "mlops_core.services.scheduler"}
