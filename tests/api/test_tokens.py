"""The local token."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlops_core.api.tokens import ensure_token
from mlops_core.config import Home
from mlops_core.errors import HomeError


def test_token_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path):
    home = Home(tmp_path / "new")
    token = ensure_token(home)
    assert len(token) >= 43
    assert stat.S_IMODE(home.token.stat().st_mode) == 0o600
    assert ensure_token(home) == token
    assert [file.name for file in home.path.iterdir()] == ["token"]


def test_token_is_the_same_when_many_make_it_at_once(tmp_path: Path):
    home = Home(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: ensure_token(home), range(32)))) == 1


@pytest.mark.parametrize("content", ["", "\n", "short", "é" * 40])
def test_token_is_refused_when_the_file_holds_none(tmp_path: Path, content: str):
    home = Home(tmp_path)
    home.token.write_text(content)
    with pytest.raises(HomeError, match="holds no token"):
        ensure_token(home)
