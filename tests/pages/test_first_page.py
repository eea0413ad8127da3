"""What is prepared before anybody asks for a page."""

import ast
import json
import subprocess
import sys

import pytest

from mlops_core.config import PROJECT, Home
from mlops_core.shared import open_runtime
from pages.components.first_page import NEEDED, prepare_first_page
from tests.small_home import copy_small_home


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
