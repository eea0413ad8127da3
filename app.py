"""The ASGI application: decides what is served where, and what is open while it serves."""

import gc
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from streamlit import config, file_util

from mlops_core.api.address import format_url
from mlops_core.api.bundle import Bundle
from mlops_core.api.deferred import DeferredApp
from mlops_core.api.guard import Guard
from mlops_core.api.tokens import ensure_token
from mlops_core.config import Home, read_check_interval
from mlops_core.errors import MLOpsError
from mlops_core.services.runtime import Runtime
from mlops_core.services.scheduler import Scheduler
from mlops_core.shared import announce, close_runtime, get_runtime, withdraw
from pages.components.first_page import prepare_first_page

PAGES = Path(__file__).resolve().parent / "pages"
SHORT_TURN_S = 0.0005
"""How long the warm-up keeps Python before the event loop, which answers the browser meanwhile, has its turn."""
CHILD_WAITS_S = 5.0
"""The child imports for seconds, on the core that the browser needs to draw the first page."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Open the home, leave the address in it, and undo both at the end."""
    try:
        every = read_check_interval()
        runtime = get_runtime()
        ensure_token(runtime.home)
        address = format_url(config.get_option("server.address") or "", config.get_option("server.port"))
        announce(runtime.home, address)
    except MLOpsError as error:
        give_up(error)
    ending = threading.Event()
    scheduler = Scheduler(runtime, every) if every else None
    warming = threading.Thread(target=warm_up, args=(runtime, scheduler, ending), name="warm-up", daemon=True)
    warming.start()
    try:
        yield
    finally:
        withdraw(runtime.home)
        ending.set()
        warming.join()
        if scheduler:
            scheduler.stop()
        close_runtime()


def warm_up(runtime: Runtime, scheduler: Scheduler | None, ending: threading.Event) -> None:
    """Prepare the first page, then start what works in the background, unless the app ends before."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SHORT_TURN_S)
    try:
        prepare_first_page(runtime)
    except Exception:  # noqa: BLE001  what fails here fails again, in words, on the page
        _log.exception("The first page could not be prepared.")
    finally:
        sys.setswitchinterval(usual)
        gc.enable()
    if not ending.wait(CHILD_WAITS_S):
        # What is there now stays until the end; later looks for garbage pass it over, which makes pages even.
        gc.collect()
        gc.freeze()
        runtime.artifacts.warm_up()
        if scheduler:
            scheduler.start()


def give_up(error: MLOpsError) -> NoReturn:
    """End the process with the one sentence; from an exception servers make a traceback and exit code 3."""
    print(error.message, file=sys.stderr, flush=True)  # noqa: T201
    os._exit(error.exit_code)


def compose_api() -> ASGIApp:
    """Compose the API; its packages take as long to import as the pages' own."""
    from mlops_core.api.application import create_api

    return create_api(get_runtime, lambda: ensure_token(Home.locate()))


api = DeferredApp(compose_api)
app = st.App(
    PAGES / "router.py",
    lifespan=lifespan,
    middleware=[
        Middleware(Guard, list_hosts=lambda: config.get_option("server.allowedHosts") or ()),
        Middleware(Bundle, folder=Path(file_util.get_static_dir()) / "static", prefix="/static/"),
    ],
    routes=[
        # Routes, not a mount: they also match "/api", which would otherwise be answered by the page.
        Route("/api", api),
        Route("/api/{rest:path}", api),
        Mount("/assets", StaticFiles(directory=PAGES / "assets")),
    ],
)
