"""A peer's own environment: decides where it lies, what is installed, and how its script is spoken to."""

import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / ".peers"


class PeerMissingError(Exception):
    """The peer cannot be installed here."""


def prepare_peer(name: str, *requirements: str) -> Path:
    """Give the Python of a peer's environment, which is made when there is none.

    Raises
    ------
    PeerMissingError
        When the peer does not install; the message is pip's last line.
    """
    folder = FOLDER / name
    python, done, wanted = folder / "bin" / "python", folder / ".installed", " ".join(requirements)
    if done.exists() and done.read_text() == wanted:
        return python
    print(f"Installing {wanted} into {folder} …", file=sys.stderr, flush=True)
    venv.create(folder, clear=True, with_pip=True)
    command = [python, "-m", "pip", "install", "--quiet", *requirements]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ended.returncode:
        raise PeerMissingError((ended.stdout.strip().splitlines() or ["pip failed without a word"])[-1])
    done.write_text(wanted)
    return python


@contextmanager
def ask_peer(python: Path, script: str, folder: Path) -> Iterator[Callable[[], float]]:
    """Start a peer's script in a folder and give a function that lets it do its task once and gives its figure."""
    command = [python, Path(__file__).with_name(script), folder]
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin
        assert process.stdout

        def ask() -> float:
            print(file=process.stdin, flush=True)
            return float(process.stdout.readline())

        try:
            if process.stdout.readline().strip() != "ready":
                raise PeerMissingError(f"{script} did not start.")
            yield ask
        finally:
            process.terminate()
