"""`up`: decides how the app is served, in which order things are opened, and what is said about it."""

import errno
import gc
import json
import os
import signal
import socket
import sys
from argparse import Namespace

import uvicorn

from mlops_core.api.address import format_url
from mlops_core.api.tokens import ensure_token
from mlops_core.cli.outcome import Outcome
from mlops_core.config import CHECK_EVERY, PROJECT, Home, read_check_interval
from mlops_core.errors import InputError
from mlops_core.services.runtime import Runtime
from mlops_core.shared import close_runtime, get_runtime
from mlops_core.store.models import list_models

PING_S = 30.0
FAREWELL_S = 5
"""How long open requests may take when the app is stopped."""


class _Server(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: str) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self._ready, flush=True)


def run_up(options: Namespace) -> Outcome:
    """Serve until Ctrl+C or SIGTERM, which is the way to stop it: exit code 0."""
    # What is imported stays: looking for garbage in it takes a tenth of the start. The app looks again when it is warm.
    gc.disable()
    home = Home.locate(getattr(options, "home", None))
    os.environ["DRIFTDECK_HOME"] = str(home.path)
    if options.check_every is not None:
        os.environ[CHECK_EVERY] = options.check_every
    read_check_interval()
    runtime = get_runtime()
    try:
        ensure_token(home)
        with bind(options.host, options.port) as listener:
            if options.demo:
                _seed_when_empty(runtime)
            url = format_url(options.host, listener.getsockname()[1])
            ready = f"Driftdeck is at {url}"
            if hasattr(options, "json"):
                ready = json.dumps({"url": url, "home": str(home.path), "pid": os.getpid()})
            _serve(listener, options.host, ready)
    finally:
        close_runtime()
    return Outcome(document=None, text="")


def bind(host: str, port: int) -> socket.socket:
    """Take an address; whoever asks now is answered when the app is ready.

    Raises
    ------
    InputError
        When it is in use, is not this machine's, or needs more rights.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise InputError(
            f"The host {host!r} is not known: {error.strerror}. Accepted are addresses of this machine."
        ) from error
    # asyncio sets TCP_NODELAY when the protocol is named; without, answers take 40 ms more.
    listener = socket.socket(family, kind, protocol or socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        is_taken = error.errno == errno.EADDRINUSE
        problem = "is in use. Stop what uses it, or" if is_taken else f"cannot be used: {error.strerror};"
        raise InputError(f"Port {port} of {host} {problem} choose another one with --port.") from error
    return listener


def _seed_when_empty(runtime: Runtime) -> None:
    if list_models(runtime.database):
        return
    # Slow to import, and not needed on any later start.
    from mlops_core.cli.connection import connect_in_process
    from mlops_core.cli.demo import seed

    with connect_in_process(runtime) as connection:
        seed(connection)


def _serve(listener: socket.socket, host: str, ready: str) -> None:
    """Run one worker; the pages keep their state in this process."""
    limit = _configure_streamlit(host, listener.getsockname()[1])
    if str(PROJECT) not in sys.path:
        sys.path.insert(0, str(PROJECT))
    config = uvicorn.Config(
        "app:app",
        log_level="warning",
        access_log=False,
        lifespan="on",
        ws="websockets-sansio",
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_max_size=limit,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=FAREWELL_S,
    )
    # The server handles both signals itself and raises them again when it has stopped.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    _Server(config, ready).run(sockets=[listener])


def _configure_streamlit(host: str, port: int) -> int:
    """Tell the pages their address, as `streamlit run` does; give the largest message in bytes."""
    from streamlit import config
    from streamlit.runtime.runtime_util import get_max_message_size_bytes
    from streamlit.web import bootstrap

    config._main_script_path = str(PROJECT / "app.py")
    bootstrap.load_config_options({"server.address": host, "server.port": port})
    allowed = config.get_option("server.allowedHosts")
    if allowed and host not in allowed:
        config.set_option("server.allowedHosts", [*allowed, host])
    return get_max_message_size_bytes()
