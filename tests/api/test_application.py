"""The API and the pages in one process, as app.py composes them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mlops_core.config import PROJECT
from tests.small_home import copy_small_home


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    home = copy_small_home(tmp_path_factory.mktemp("app") / "home").path
    command = [sys.executable, "-m", "mlops_core", "--home", str(home), "up", "--port", "0"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as app:
        yield app.stdout.readline().split()[-1], home
        app.send_signal(signal.SIGTERM)
        assert app.wait(30) == 0
    assert not (home / "running.json").exists()


def get(url: str, token: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.get(url, headers=headers, trust_env=False, timeout=30)


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v2", "/api/v1", "/api/v1/", "/api/v1/nope", "/api/v1/health/"])
def test_wrong_api_paths_never_answer_with_the_page(address: tuple[str, Path], path: str):
    url, home = address
    answer = get(url + path, (home / "token").read_text().strip())
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert get(url + path).status_code in (401, 404)
    assert httpx.post(url + path, trust_env=False).headers["content-type"] == "application/json"


def test_pages_and_api_share_one_address(address: tuple[str, Path]):
    url, home = address
    assert "text/html" in get(url + "/").headers["content-type"]
    answer = get(url + "/api/v1/health", (home / "token").read_text().strip())
    assert answer.json()["data"]["models"] == 1
    assert get(url + "/api/v1/health").status_code == 401
    assert get(url + "/assets/fonts/OFL.txt").status_code == 200
    assert get(url + "/assets/nope").status_code == 404


@pytest.mark.parametrize("path", ["/docs", "/api/docs", "/api/v1/docs", "/api/redoc", "/api/openapi.json"])
def test_api_documentation_is_not_served(address: tuple[str, Path], path: str):
    assert "swagger" not in get(address[0] + path).text.lower()
    assert '"openapi"' not in get(address[0] + path).text


def test_token_of_a_started_app_is_private(address: tuple[str, Path]):
    assert (address[1] / "token").stat().st_mode & 0o777 == 0o600


def test_streamlit_run_ends_with_2_and_one_sentence_when_the_home_is_open(address: tuple[str, Path]):
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"]
    environment = os.environ | {"DRIFTDECK_HOME": str(address[1])}
    ended = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert f"the app at {address[0]}" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
