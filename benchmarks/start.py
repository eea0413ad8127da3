"""The start, and what a page reads: decides that both are measured on the demo's home."""

import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import httpx
from playwright.sync_api import Browser, sync_playwright

from benchmarks.homes import copy_demo_home, start_app
from benchmarks.measuring import find_percentile, time_ms
from benchmarks.rows import Row
from mlops_core.config import Home
from mlops_core.demo.clock import DEMO_MODEL
from mlops_core.services.overview import read_overview
from mlops_core.services.runtime import Runtime
from mlops_core.shared import open_runtime
from mlops_core.store.models import add_version, get_model, list_versions

TITLE = "The start of an existing home, and what its first page reads"
STARTS, READINGS, VERSIONS = 3, 40, 200
ANSWERED = "start to first answer of `/` (200)"
WORDS, PAGE = "h1.dd-sentence", ".st-key-headline"
"""What the first page answers: as words that come with the page, and where the program draws them."""
BARE_PAGE = """import streamlit as st
with st.container(key="headline"):
    st.write("Hello")
"""
"""The least that a page made with Streamlit can be: no data, no chart."""


def measure() -> list[Row]:
    """Start some times, then read in this process."""
    with tempfile.TemporaryDirectory() as folder:
        home = copy_demo_home(Path(folder) / "home")
        return [*_measure_starts(home), *_measure_readings(home)]


def _measure_starts(home: Home) -> list[Row]:
    chromium = os.environ.get("DRIFTDECK_CHROMIUM") or shutil.which("chromium")
    if not chromium:
        print("What a browser shows is left out: no Chromium was found.", file=sys.stderr)
        return [Row(what=ANSWERED, value=median(_start_once(home, None)[0] for _ in range(STARTS)), unit="s", target=3)]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        _, first, _ = _start_once(home, browser)
        starts, bare = [], []
        for _ in range(STARTS):
            starts.append(_start_once(home, browser))
            bare.append(_start_bare_page(home.path.parent, browser))
    answered, readable, drawn = (median(times) for times in zip(*starts, strict=True))
    return [
        Row(what=ANSWERED, value=answered, unit="s", target=3),
        Row(what="start to the answer readable in a browser", value=readable, unit="s", target=3),
        Row(what="the same at the first start after seeding", value=first, unit="s"),
        Row(what="start to the page drawn over it, with its buttons", value=drawn, unit="s"),
        Row(what="Streamlit alone, a page of one word: start to page drawn", value=median(bare), unit="s"),
        Row(what="page drawn: ours ÷ Streamlit alone", value=drawn / median(bare), unit="×"),
    ]


def _start_once(home: Home, browser: Browser | None) -> tuple[float, float, float]:
    """Give the seconds from the command to the first answer, to words that can be read, and to the page itself."""
    started = time.perf_counter()
    with start_app(home) as app:
        httpx.get(app.url, timeout=60).raise_for_status()
        answered = time.perf_counter() - started
        readable = drawn = math.nan
        if browser:
            page = browser.new_page()
            page.goto(app.url, wait_until="commit")
            page.wait_for_selector(WORDS)
            readable = time.perf_counter() - started
            page.wait_for_selector(PAGE)
            drawn = time.perf_counter() - started
            page.close()
        return answered, readable, drawn


def _start_bare_page(folder: Path, browser: Browser) -> float:
    """Give the seconds from `streamlit run` to a page without any work drawn."""
    script = folder / "bare.py"
    script.write_text(BARE_PAGE, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ("--server.headless", "true", "--server.port", str(port), "--browser.gatherUsageStats", "false")
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for_answer(f"http://127.0.0.1:{port}/", process)
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_selector(PAGE)
            drawn = time.perf_counter() - started
            page.close()
            return drawn
        finally:
            process.terminate()


def _wait_for_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            httpx.get(url, timeout=60).raise_for_status()
            return
        except httpx.ConnectError:
            time.sleep(0.01)
    raise RuntimeError(f"Streamlit ended with {process.returncode} before it answered.")


def _measure_readings(home: Home) -> list[Row]:
    runtime = open_runtime(home)
    try:
        spec = get_model(runtime.database, DEMO_MODEL)
        overview = _time_often(lambda: read_overview(runtime, spec, runtime.now(spec.name)))
        _add_versions(runtime)
        versions = _time_often(lambda: list_versions(runtime.database, spec.name))
    finally:
        runtime.close()
    return [
        Row(what="everything the overview reads, warm: p50", value=find_percentile(overview, 50), unit="ms"),
        Row(
            what="everything the overview reads, warm: p95", value=find_percentile(overview, 95), unit="ms", target=300
        ),
        Row(what=f"list {VERSIONS} versions: p50", value=find_percentile(versions, 50), unit="ms", target=10),
        Row(what=f"list {VERSIONS} versions: p95", value=find_percentile(versions, 95), unit="ms"),
    ]


def _time_often(task: Callable[[], object]) -> list[float]:
    task()
    return [time_ms(task) for _ in range(READINGS)]


def _add_versions(runtime: Runtime) -> None:
    """Register the last version again under other names until there are enough."""
    known = list_versions(runtime.database, DEMO_MODEL)
    with runtime.database.transaction() as transaction:
        for number in range(len(known) + 1, VERSIONS + 1):
            add_version(transaction, replace(known[-1], name=f"v{number}"))
