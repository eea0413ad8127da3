"""The documentation says what is there: commands, routes, JSON, errors, links, and folders."""

import argparse
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

import mlops_core.api
from mlops_core import errors
from mlops_core.cli import main
from mlops_core.cli.arguments import _build_parser
from mlops_core.config import PROJECT
from mlops_core.demo.seeding import SeedingState
from mlops_core.store.migrations import load_migrations
from tests.api.conftest import Caller, artifact_host, open_api
from tests.small_home import MODEL, copy_small_home

__all__ = ["artifact_host"]

DOCS = PROJECT / "docs"
COMMANDS, HTTP, PAGES, DEMO = (DOCS / f"{name}.md" for name in ("commands", "http", "pages", "demo"))
README, CONTRIBUTING = PROJECT / "README.md", PROJECT / "CONTRIBUTING.md"
MARKDOWN = sorted([README, CONTRIBUTING, PROJECT / "CHANGELOG.md", *DOCS.glob("*.md")])
COMMON_OPTIONS = {"--home", "--json", "--help"}
FREE_KEYS = {"offline_metrics", "parameters", "evidence", "details", "latency", "missing"}
QUERIES = {
    "comparison": {"challenger": "v1"},
    "rehearsal": {"to": "v1"},
    "difference": {"first": "v1", "second": "v2"},
}
"""What a route has to be asked with, by the end of its address."""
"""Below these the keys differ from model to model and from error to error."""


def name_file(file: Path) -> str:
    return str(file.relative_to(PROJECT))


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def list_fences(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def drop_fences(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


@cache
def split_sections(file: Path) -> dict[str, str]:
    """Give the text under each second-level heading."""
    parts = re.split(r"^## (.+)$", read(file), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def list_anchors(file: Path) -> set[str]:
    """Give the anchors of the headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", drop_fences(read(file)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# Commands


@cache
def list_commands() -> dict[str, argparse.ArgumentParser]:
    subparsers = next(a for a in _build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(subparsers.choices)


@cache
def split_commands() -> dict[str, str]:
    """Give the section of each command; a heading may name several."""
    sections = list(split_sections(COMMANDS).items())[1:]
    return {name: text for heading, text in sections for name in heading.split(", ")}


def test_commands_are_those_of_the_parser():
    assert set(split_commands()) == set(list_commands())


@pytest.mark.parametrize("name", list_commands())
def test_command_has_its_arguments(name: str):
    section, actions = split_commands()[name], list_commands()[name]._actions
    options = {option for action in actions for option in action.option_strings if option.startswith("--")}
    places = {word for action in actions if not action.option_strings for word in action.metavar.split("|")}
    described = set(re.findall(r"^\| `([^` ]+)", section, re.MULTILINE))
    assert described == (options - COMMON_OPTIONS) | places


def test_common_arguments_and_exit_codes_are_described():
    section = split_sections(COMMANDS)["What every command takes and gives"]
    described = re.findall(r"^\| `?([^` |]+)", section, re.MULTILINE)
    assert set(described) >= COMMON_OPTIONS | {"0", "1", "2", "130"}


def test_command_examples_name_real_commands():
    for file in MARKDOWN:
        for line in re.findall(r"python -m mlops_core\b(?!\.)(.*)", read(file)):
            words = re.sub(r"--home \S+", "", line).replace("`", " ").split()
            assert words[0] in {*list_commands(), "COMMAND"}, f"{name_file(file)}: {line}"


def test_doctor_example_has_the_real_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["--home", str(tmp_path / "missing"), "doctor", "--port", "0", "--json"])
    (example,) = list_fences(split_commands()["doctor"], "json")
    compare_shape(json.loads(example), json.loads(capsys.readouterr().out))


# The API


def list_routes() -> Iterator[tuple[str, APIRoute]]:
    """Give every route of the API as its heading names it."""
    for module in pkgutil.iter_modules(mlops_core.api.__path__):
        router = getattr(importlib.import_module(f"mlops_core.api.{module.name}"), "router", None)
        for route in router.routes if router else ():
            for method in sorted(route.methods):
                yield f"{method} {route.path}", route


ROUTES = dict(list_routes())


@pytest.fixture
def api(tmp_path: Path, artifact_host) -> Iterator[Caller]:
    with open_api(copy_small_home(tmp_path / "home"), artifact_host) as caller:
        yield caller


def list_route_sections() -> dict[str, str]:
    return {name: text for name, text in split_sections(HTTP).items() if name.startswith(("GET ", "POST "))}


def test_routes_are_those_of_the_api():
    assert len(ROUTES) > 10
    assert set(list_route_sections()) == set(ROUTES)
    assert set(re.findall(r"^\| \[`([^`]+)`\]", read(HTTP), re.MULTILINE)) == set(ROUTES)


@pytest.mark.parametrize("name", ROUTES)
def test_route_has_its_parameters(name: str):
    section, route = list_route_sections()[name], ROUTES[name]
    assert describe_table(section, "query parameter") == {field.alias for field in route.dependant.query_params}
    headers = {field.alias.lower() for field in route.dependant.header_params}
    assert all(header in section.lower() for header in headers)
    assert {header.lower() for header in describe_table(section, "header")} <= headers


def describe_table(section: str, title: str) -> set[str]:
    """Give the first cells of the table with this title."""
    found = re.search(rf"^\| {title} \|.*\n\|[-|]+\n((?:\|.*\n)+)", section, re.MULTILINE)
    return set(re.findall(r"^\| `([^`]+)`", found[1], re.MULTILINE)) if found else set()


@pytest.mark.parametrize(
    ("route", "module", "body"),
    [
        ("", "models", "ModelBody"),
        ("rollback", "changes", "ChangeBody"),
        ("challenger", "challenger", "ChallengerBody"),
        ("contract", "contract", "ContractBody"),
        ("reference", "reference", "ReferenceBody"),
        ("retention", "retention", "RetentionBody"),
        ("retrain", "runs", "RetrainBody"),
        ("runs/{run}/cancel", "runs", "CancelBody"),
        ("erase", "snapshots", "ErasureBody"),
    ],
)
def test_body_keys_are_those_of_a_change(route: str, module: str, body: str):
    accepted = getattr(importlib.import_module(f"mlops_core.api.{module}"), body)
    path = f"POST /models/{{model}}/{route}" if route else "POST /models"
    described = describe_table(list_route_sections()[path], "body key")
    assert described == set(accepted.model_fields)


# What is told of a run is compared with a real one in tests/cli/test_runs.py.
@pytest.mark.parametrize("name", [name for name in ROUTES if name.startswith("GET ") and "{run}" not in name])
def test_answer_of_a_report_has_the_real_keys(shared_api: Caller, name: str):
    path = ROUTES[name].path
    query = QUERIES.get(path.rpartition("/")[2])
    answer = shared_api.get("/api/v1" + path.replace("{model}", MODEL).replace("{prediction}", "0-00000"), params=query)
    section = list_route_sections()["GET /audit" if path.endswith("/audit") else name]
    (example,) = list_fences(section, "json")
    compare_shape(json.loads(example), answer.json())


@pytest.fixture(scope="module")
def shared_api(tmp_path_factory: pytest.TempPathFactory, artifact_host) -> Iterator[Caller]:
    with open_api(copy_small_home(tmp_path_factory.mktemp("docs") / "home"), artifact_host) as caller:
        yield caller


@pytest.mark.parametrize(("action", "to"), [("rollback", "v1"), ("promote", "v3")])
def test_answer_of_a_change_has_the_real_keys(api: Caller, action: str, to: str):
    body, example = map(json.loads, list_fences(list_route_sections()[f"POST /models/{{model}}/{action}"], "json"))
    given = body | {"to": to} | ({"expected_champion": "v2"} if "expected_champion" in body else {})
    answer = api.post(f"/api/v1/models/{MODEL}/{action}", given, headers={"Idempotency-Key": "docs"})
    assert answer.status_code == 200, answer.text
    compare_shape(example, answer.json())


def test_answer_of_seeding_has_the_real_keys():
    (example,) = list_fences(list_route_sections()["POST /demo"], "json")
    assert list(json.loads(example)["data"]) == list(SeedingState.__dataclass_fields__)


@pytest.mark.parametrize("file", [COMMANDS, HTTP], ids=name_file)
def test_error_example_has_the_real_keys(shared_api: Caller, file: Path):
    answer = shared_api.get("/api/v1/models/nope/versions")
    example = next(text for text in list_fences(read(file), "json") if '"error": {' in text)
    compare_shape(json.loads(example), answer.json())


def compare_shape(example: object, real: object, place: str = "") -> None:
    """Check that an example has the keys and the kinds of values that the real document has."""
    if isinstance(real, dict):
        assert isinstance(example, dict), place
        assert list(example) == list(real), place
        for key in real:
            if key not in FREE_KEYS:
                compare_shape(example[key], real[key], f"{place}.{key}")
    elif isinstance(real, list):
        assert isinstance(example, list), place
        for entry in example[: 1 if real else 0]:
            compare_shape(entry, real[0], f"{place}[]")
    elif example is not None and real is not None:
        is_number = isinstance(real, int | float) and not isinstance(real, bool)
        assert isinstance(example, int | float if is_number else type(real)), place


def test_error_table_is_that_of_the_errors():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MLOpsError)]
    expected = {(kind.code, str(kind.http_status), str(kind.exit_code), kind.__doc__.splitlines()[0]) for kind in kinds}
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (.+) \|$", split_sections(HTTP)["Errors"], re.MULTILINE)
    assert set(rows) == expected
    assert len(rows) == len(expected)


def test_codes_that_exist_over_http_alone_are_those_of_the_api():
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| – \| .+ \|$", split_sections(HTTP)["Errors"], re.MULTILINE)
    sources = "\n".join(read(file) for file in (PROJECT / "mlops_core" / "api").glob("*.py"))
    made = {(code, status) for status, code in re.findall(r'make_error\((\d+), "(\w+)"', sources)}
    shared = {kind.code for kind in (errors.MLOpsError, *errors.MLOpsError.__subclasses__())}
    assert set(rows) == {(code, status) for code, status in made if code not in shared}
    assert len(rows) == 4


def test_schema_of_the_examples_is_the_newest():
    newest = str(max(load_migrations()))
    assert re.findall(r'"schema": (\d+)', read(HTTP)) == [newest]
    assert re.findall(r"; schema (\d+)", read(COMMANDS)) == [newest]


# Pages


def list_key_patterns() -> Iterator[tuple[str, bool]]:
    """Give every key of the pages as a pattern, and whether it is bound to the URL."""
    for file in (PROJECT / "pages").rglob("*.py"):
        for key, bound in re.findall(r'key=f?"([^"]+)"(, bind="query-params")?', read(file)):
            yield re.sub(r"\\\{.*?\\\}", ".+", re.escape(key)), bool(bound)
        # Keys that a constant names, and parameters that a page writes into the address itself.
        for key in re.findall(r'"([a-z]+(?:-[a-z]+)+)"', read(file)):
            yield re.escape(key), False
        for name in re.findall(r'write_query\("([a-z-]+)"', read(file)):
            yield re.escape(name), True


def test_keys_of_pages_exist():
    section = split_sections(PAGES)["Keys"]
    cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    described = {key for cell in cells for key in re.findall(r"`([^`]+)`", cell)}
    assert described
    patterns = [pattern for pattern, _ in list_key_patterns()]
    assert [key for key in sorted(described) if not any(re.fullmatch(p, key) for p in patterns)] == []


def test_url_parameters_are_those_of_the_pages():
    described = describe_table(split_sections(PAGES)["URL parameters"], "parameter")
    bound = {re.sub(r"\\(.)", r"\1", pattern) for pattern, is_bound in list_key_patterns() if is_bound}
    files = (PROJECT / "pages").rglob("*.py")
    written = {name for file in files for name in re.findall(r'write_query\("([^"]+)"', read(file))}
    assert described == bound | written


# All files


@pytest.mark.parametrize("file", MARKDOWN, ids=name_file)
def test_links_lead_somewhere(file: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", drop_fences(read(file))):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (file.parent / path).resolve() if path else file
        assert found.exists(), f"{name_file(file)} links to {target}"
        if anchor:
            assert anchor in list_anchors(found), f"{name_file(file)} links to {target}"


@pytest.mark.parametrize("file", MARKDOWN, ids=name_file)
def test_make_targets_exist(file: Path):
    targets = set(re.findall(r"^([a-z-]+):", read(PROJECT / "Makefile"), re.MULTILINE))
    text = "\n".join([drop_fences(read(file)), *list_fences(read(file), "sh")])
    named = re.findall(r"(?:^|`)(?:\w+=\S+ )?make ([a-z-]+)", text, re.MULTILINE)
    assert set(named) <= targets


@pytest.mark.parametrize("file", MARKDOWN, ids=name_file)
def test_files_and_tests_that_are_named_exist(file: Path):
    text = drop_fences(read(file))
    sources = "\n".join(map(read, (PROJECT / "tests").rglob("test_*.py")))
    tests = set(re.findall(r"^def (test_\w+)", sources, re.MULTILINE))
    assert set(re.findall(r"`(test_\w+)`", text)) <= tests
    folders = "tests|docs|pages|mlops_core|data|benchmarks"
    paths = [path for path in re.findall(rf"`((?:{folders})/[\w./-]*)`", text) if "*" not in path]
    assert [path for path in paths if not (PROJECT / path).exists()] == []


def test_layout_names_what_is_there():
    (tree,) = list_fences(split_sections(README)["What is in the folder"], "")
    named = [line.split()[0] for line in tree.splitlines()]
    assert {"app.py", "pages/", "mlops_core/", "data/", "tests/", "docs/"} <= set(named)
    for name in named:
        assert (PROJECT / name).is_dir() == name.endswith("/"), name
        assert (PROJECT / name).exists(), name


def test_sentence_of_the_readme_is_that_of_the_demo():
    sentence = "v4 misses 99 % of late flights. v3 would have caught 41 % of them."
    assert sentence in " ".join(read(README).split())
    assert sentence in read(PROJECT / "tests" / "demo" / "test_story.py")


def test_rows_of_the_demo_are_those_of_its_data():
    described = set(re.findall(r"^\| `(\w+\.parquet)` \| ([\d,]+) \|", read(DEMO), re.MULTILINE))
    kept = set(re.findall(r"^\| `(\w+\.parquet)` \| ([\d,]+) \|", read(PROJECT / "data/demo/README.md"), re.MULTILINE))
    assert described == kept


def test_pictures_are_shown_and_small():
    shown = {Path(path).name for file in MARKDOWN for path in re.findall(r"!\[.*?\]\(([^)]+\.png)\)", read(file))}
    made = {file.name: file.stat().st_size for file in (DOCS / "pictures").glob("*.png")}
    assert shown <= set(made)
    assert max(made.values()) < 300_000
