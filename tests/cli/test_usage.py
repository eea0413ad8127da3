"""Wrong usage, missing homes, and what is printed where."""

import json
import time
from pathlib import Path

import pytest

from mlops_core.cli import main
from mlops_core.config import Home
from tests.cli.conftest import spawn

REPORTS = (
    ["versions", "car-loan"],
    ["performance", "car-loan"],
    ["audit"],
    ["audit", "verify"],
    ["rollback", "car-loan", "--to", "v1", "--reason", "x"],
)


def test_help_is_fast_and_lists_the_commands():
    started = time.perf_counter()
    ended = spawn("--help")
    seconds = time.perf_counter() - started
    assert ended.exit_code == 0
    for command in ("up", "demo", "versions", "performance", "drift", "rollback", "promote", "audit", "doctor"):
        assert command in ended.output
    assert seconds < 2.0


def test_help_imports_nothing_heavy():
    import subprocess
    import sys

    from mlops_core.config import PROJECT

    code = (
        "import sys, contextlib, mlops_core.cli as c\n"
        "with contextlib.suppress(SystemExit): c.main(['--help'])\n"
        "print(sorted({'numpy', 'duckdb', 'pyarrow', 'streamlit', 'fastapi', 'httpx'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_usage_is_wrong_when_there_is_no_command():
    ended = spawn()
    assert ended.exit_code == 2
    assert ended.output == ""
    assert "commands:" in ended.errors
    assert "A command is needed." in ended.errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frob"], "'frob'"),
        (["versions"], "MODEL"),
        (["rollback", "car-loan", "--to", "v1"], "--reason"),
        (["performance", "car-loan", "--fail-on", "warning"], "'warning'"),
        (["performance", "car-loan", "--vers", "v1"], "--vers"),
        (["up", "--port", "x"], "'x' is not a port"),
        (["up", "--port", "70000"], "'70000' is not a port"),
        (["audit", "car-loan", "\udcff"], "not text in UTF-8"),
    ],
)
def test_usage_is_wrong_when_arguments_are(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    assert main([*arguments, "--json"]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    error = json.loads(captured.out)["error"]
    assert error["code"] == "wrong_usage"
    assert said in error["message"]


@pytest.mark.parametrize("arguments", REPORTS)
def test_commands_make_no_home_when_there_is_none(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    missing = tmp_path / "missing"
    assert main(["--home", str(missing), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"There is no home at {missing}" in captured.err
    assert not missing.exists()


def test_home_is_taken_from_the_environment_and_the_option_wins(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("DRIFTDECK_HOME", str(home.path))
    assert main(["audit", "verify"]) == 0
    assert main(["audit", "verify", "--home", str(tmp_path / "missing")]) == 2
    assert "8 lines" in capsys.readouterr().out


def test_damaged_database_ends_with_2_and_one_sentence(home: Home, capsys: pytest.CaptureFixture[str]):
    home.database.write_bytes(b"no database" * 1000)
    assert main(["--home", str(home.path), "audit"]) == 2
    errors = capsys.readouterr().err
    assert "cannot be opened as a database" in errors
    assert len(errors.splitlines()) == 1
