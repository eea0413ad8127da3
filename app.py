"""The ASGI application: decides what is served where, and what is open while it serves."""

import importlib
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
from streamlit import config

from mlops_core.api.address import format_url
from mlops_core.api.deferred import DeferredApp
from mlops_core.api.guard import Guard
from mlops_core.api.tokens import ensure_token
from mlops_core.config import Home
from mlops_core.errors import MLOpsError
from mlops_core.shared import announce, close_runtime, get_runtime, withdraw

PAGES = Path(__file__).resolve().parent / "pages"


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Open the home, leave the address in it, and undo both at the end."""
    try:
        home = get_runtime().home
        ensure_token(home)
        announce(home, format_url(config.get_option("server.address") or "", config.get_option("server.port")))
    except MLOpsError as error:
        give_up(error)
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    try:
        yield
    finally:
        withdraw(home)
        close_runtime()


def warm_up() -> None:
    """Import what the first page needs while the browser still loads its own part."""
    for module in ("mlops_core.services.overview", "mlops_core.charts.timeline", "mlops_core.demo.replay"):
        importlib.import_module(module)


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
    middleware=[Middleware(Guard, list_hosts=lambda: config.get_option("server.allowedHosts") or ())],
    routes=[
        # Routes, not a mount: they also match "/api", which would otherwise be answered by the page.
        Route("/api", api),
        Route("/api/{rest:path}", api),
        Mount("/assets", StaticFiles(directory=PAGES / "assets")),
    ],
)
