"""The homes that are measured: decides that the demo is seeded once and copied, and how an app is started on one."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlops_core.config import PROJECT, Home

CACHE = Path(__file__).resolve().parent / ".cache"
FILLED_BY = ("demo", "stats", "store")
"""The parts of the code that decide what a seeded home holds."""


def copy_demo_home(path: Path) -> Home:
    """Copy the demo home to a folder that does not exist; it is seeded first when there is none of this code."""
    seeded = CACHE / f"demo-{_hash_code()}"
    if not seeded.exists():
        shutil.rmtree(CACHE, ignore_errors=True)
        partial = CACHE / "partial"
        seed_home(partial)
        partial.rename(seeded)
    shutil.copytree(seeded, path)
    return Home(path)


def seed_home(path: Path) -> None:
    """Seed the demo by its command, as a user would."""
    subprocess.run(
        [*_command(path), "demo"], cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningApp:
    """An app in a process of its own."""

    url: str
    home: Home


@contextmanager
def start_app(home: Home) -> Iterator[RunningApp]:
    """Start the app on a home and give it as soon as it says that it answers.

    Raises
    ------
    RuntimeError
        When it ends before.
    """
    command = [*_command(home.path), "up", "--port", "0", "--json"]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            ready = process.stdout.readline()
            if not ready:
                raise RuntimeError(f"The app did not start on {home.path}; `{' '.join(command)}` says why.")
            yield RunningApp(url=json.loads(ready)["url"], home=home)
        finally:
            process.terminate()
            process.wait()


def _command(path: Path) -> list[str]:
    return [sys.executable, "-m", "mlops_core", "--home", str(path)]


def _hash_code() -> str:
    files = [file for part in FILLED_BY for file in (PROJECT / "mlops_core" / part).rglob("*") if file.is_file()]
    sources = sorted(file for file in files if file.suffix in (".py", ".sql"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:12]
