"""The floors: imports only go down, DuckDB and Streamlit stay where they belong, and files stay short."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from mlops_core.config import PROJECT

FLOORS = (
    {
        "entities",
        "errors",
        "config",
        "words",
        "chunking",
        "contracts",
        "policy_records",
        "policy_terms",
        "policy_words",
        "production",
        "runs",
        "sections",
        "training_terms",
        "wall_clock",
    },
    {"stats"},
    {"checks", "policy", "policy_changes", "store", "artifacts", "frozen_rows", "run_folder"},
    {"services", "charts", "training"},
    {"api", "cli", "serving", "worker", "client", "demo", "shared", "__main__"},
)
FLOOR_OF = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}
EDGE = len(FLOORS) - 1
RULES, STORE = {"checks", "policy", "policy_changes"}, {"store", "artifacts", "frozen_rows", "run_folder"}
LONGEST_FILE, LONGEST_PAGE, LONGEST_FUNCTION = 400, 120, 40

CORE = sorted((PROJECT / "mlops_core").rglob("*.py"))
PAGES = sorted((PROJECT / "pages").rglob("*.py"))
BENCHMARKS = sorted(file for file in (PROJECT / "benchmarks").rglob("*.py") if ".peers" not in file.parts)
FILES = [PROJECT / "app.py", *CORE, *PAGES, *BENCHMARKS]
STATISTICS = PROJECT / "mlops_core" / "stats"


@cache
def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def list_imports(file: Path) -> tuple[str, ...]:
    """Give every module a file imports, also inside functions."""
    names = []
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names)


def list_packages(file: Path) -> set[str]:
    return {name.partition(".")[0] for name in list_imports(file)}


def list_parts(file: Path) -> set[str]:
    """Give the parts of mlops_core that a file imports: "store", "entities", …"""
    names = [name.split(".") for name in list_imports(file)]
    return {name[1] for name in names if name[0] == "mlops_core" and len(name) > 1}


def name_part(file: Path) -> str:
    return file.relative_to(PROJECT / "mlops_core").parts[0].removesuffix(".py")


def show(file: Path) -> str:
    return str(file.relative_to(PROJECT))


MODULES = [file for file in CORE if name_part(file) != "__init__"]


@pytest.mark.parametrize("file", MODULES, ids=show)
def test_module_imports_only_its_own_floor_and_those_below(file):
    own = name_part(file)
    assert own in FLOOR_OF, f"{show(file)} has no floor; add it to FLOORS"
    above = {part for part in list_parts(file) if FLOOR_OF[part] > FLOOR_OF[own]}
    assert not above
    assert FLOOR_OF[own] == EDGE or "pages" not in list_packages(file)


@pytest.mark.parametrize("file", MODULES, ids=show)
def test_rules_and_store_do_not_know_each_other(file):
    own = name_part(file)
    if own in RULES:
        assert not list_parts(file) & STORE
    if own in STORE:
        assert not list_parts(file) & RULES


def test_statistics_import_nothing_but_numpy_scipy_and_words():
    allowed = {"numpy", "scipy", "mlops_core"} | set(sys.stdlib_module_names)
    for file in (PROJECT / "mlops_core" / "stats").rglob("*.py"):
        assert list_packages(file) <= allowed, show(file)
        assert list_parts(file) <= FLOORS[0] | FLOORS[1], show(file)


def test_words_import_nothing_but_the_standard_library():
    for part in FLOORS[0]:
        file = PROJECT / "mlops_core" / f"{part}.py"
        assert list_packages(file) <= {"mlops_core"} | set(sys.stdlib_module_names), show(file)
        assert list_parts(file) <= FLOORS[0], show(file)


def test_only_the_store_imports_duckdb():
    importers = {name_part(file) for file in CORE if "duckdb" in list_packages(file)}
    assert importers == {"store"}
    assert not [show(file) for file in [PROJECT / "app.py", *PAGES] if "duckdb" in list_packages(file)]


def test_only_app_pages_and_the_command_that_serves_import_streamlit():
    importers = {show(file) for file in CORE if "streamlit" in list_packages(file)}
    assert importers <= {"mlops_core/cli/serve.py"}


@pytest.mark.parametrize("file", PAGES, ids=show)
def test_page_holds_no_storage_and_no_arithmetic(file):
    assert not list_packages(file) & {"duckdb", "numpy", "scipy", "sklearn"}
    assert "store" not in list_parts(file)


def test_charts_know_neither_streamlit_nor_services_nor_store():
    for file in (PROJECT / "mlops_core" / "charts").rglob("*.py"):
        assert "streamlit" not in list_packages(file), show(file)
        assert not list_parts(file) & {"services", "store"}, show(file)


def test_only_the_demo_and_the_edges_know_the_demo():
    importers = {name_part(file) for file in CORE if "demo" in list_parts(file)}
    assert importers <= FLOORS[EDGE]


@pytest.mark.parametrize("file", FILES, ids=show)
def test_file_and_its_functions_are_short(file):
    text = file.read_text(encoding="utf-8")
    is_page = file.parent == PROJECT / "pages"
    assert text.count("\n") <= (LONGEST_PAGE if is_page else LONGEST_FILE)
    functions = [node for node in ast.walk(parse(file)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {node.name: count_lines(node, has_formulas=STATISTICS in file.parents) for node in functions}
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION}


def count_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, *, has_formulas: bool) -> int:
    """Count signature, docstring, and body; a statistic states its formula, domain, and reference beside them."""
    length = node.end_lineno - node.lineno + 1
    if has_formulas and ast.get_docstring(node) is not None:
        length -= node.body[0].end_lineno - node.body[0].lineno + 1
    return length


def test_core_runs_without_streamlit_when_it_cannot_be_imported():
    modules = [
        ".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
        for file in CORE
        if file.name != "__main__.py"
    ]
    program = (
        "import sys, importlib\n"
        "sys.modules['streamlit'] = None\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_each_service_can_be_imported_first():
    names = sorted(
        f"mlops_core.{part}.{file.stem}"
        for part in ("services", "store", "checks", "charts")
        for file in (PROJECT / "mlops_core" / part).glob("*.py")
        if file.stem != "__init__"
    )
    # A module that relies on what another has imported is found by looking for names that nobody imported.
    for name in names:
        file = PROJECT / Path(*name.split(".")).with_suffix(".py")
        used = {
            f"{node.value.id}.{node.attr}"
            for node in ast.walk(parse(file))
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        }
        assert not used & {"pa.compute", "pa.parquet", "pa.csv", "pa.json"}, name
