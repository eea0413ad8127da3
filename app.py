"""The ASGI application: decides what is served where, and what is open while it serves."""

import gc
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from streamlit import config, file_util

from mlops_core.api.address import format_url
from mlops_core.api.bundle import Bundle
from mlops_core.api.deferred import DeferredApp
from mlops_core.api.first_words import FirstWords
from mlops_core.api.guard import Guard
from mlops_core.api.tokens import ensure_token
from mlops_core.config import Home, read_check_interval
from mlops_core.errors import MLOpsError
from mlops_core.services.runtime import Runtime
from mlops_core.shared import announce, close_runtime, get_runtime, withdraw
from pages.components.first_page import prepare_first_page, write_first_words

if TYPE_CHECKING:
    from mlops_core.services.scheduler import Scheduler

PAGES = Path(__file__).resolve().parent / "pages"
SHORT_TURN_S = 0.0005
"""How long the warm-up keeps Python before the event loop, which answers the browser meanwhile, has its turn."""
CHILD_WAITS_S = 5.0
"""The child imports for seconds, on the core that the browser needs to draw the first page."""

_log = logging.getLogger(__name__)


class Background(threading.Thread):
    """What follows the first answer: the first page is prepared, then what works by itself is started.

    Parameters
    ----------
    every : timedelta, optional
        Wait between two checks of a model; without it none is made.
    """

    def __init__(self, runtime: Runtime, every: timedelta | None) -> None:
        super().__init__(name="background", daemon=True)
        self._runtime = runtime
        self._every = every
        self._ending = threading.Event()
        self._scheduler: Scheduler | None = None

    def run(self) -> None:
        """Prepare the first page, then start the child, the runs that wait, and the scheduler, unless the app ends."""
        usual = sys.getswitchinterval()
        sys.setswitchinterval(SHORT_TURN_S)
        try:
            prepare_first_page(self._runtime)
        except Exception:  # noqa: BLE001  what fails here fails again, in words, on the page
            _log.exception("The first page could not be prepared.")
        finally:
            sys.setswitchinterval(usual)
            gc.enable()
        if not self._ending.wait(CHILD_WAITS_S):
            # What is there now stays until the end; later looks for garbage pass it over, which makes pages even.
            gc.collect()
            gc.freeze()
            self._runtime.artifacts.warm_up()
            self._runtime.training.take_up(self._runtime)
            if self._every:
                # Imports the statistics, which the first answer need not wait for.
                from mlops_core.services.scheduler import Scheduler

                self._scheduler = Scheduler(self._runtime, self._every)
                self._scheduler.start()

    def stop(self) -> None:
        """Let what is running end, and begin nothing else."""
        self._ending.set()
        self.join()
        if self._scheduler:
            self._scheduler.stop()


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
    background = Background(runtime, every)
    background.start()
    try:
        yield
    finally:
        withdraw(runtime.home)
        background.stop()
        close_runtime()


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
        Middleware(FirstWords, write=lambda model: write_first_words(get_runtime(), model)),
    ],
    routes=[
        # Routes, not a mount: they also match "/api", which would otherwise be answered by the page.
        Route("/api", api),
        Route("/api/{rest:path}", api),
        Mount("/assets", StaticFiles(directory=PAGES / "assets")),
    ],
)
