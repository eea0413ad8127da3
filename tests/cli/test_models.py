"""The command that registers a model."""

import pytest

from mlops_core.config import Home
from tests.small_home import MODEL, MODEL_FILE


@pytest.fixture
def write(tmp_path):
    def write(text):
        file = tmp_path / "model.toml"
        file.write_text(text)
        return str(file)

    return write


def test_init_makes_a_home_and_registers_a_model_in_it(run, write, tmp_path):
    home = ("--home", str(tmp_path / "new"))
    ended = run("init", write(MODEL_FILE), *home)
    assert (ended.exit_code, ended.output) == (0, f"The model {MODEL} is registered.\n")
    assert Home(tmp_path / "new").database.exists()
    ended = run("init", write(MODEL_FILE), *home)
    assert ended.output == f"{MODEL} is as its file says already; nothing was changed.\n"


def test_init_says_what_it_has_changed_of_a_model_that_exists(run, write):
    changed = write(MODEL_FILE.replace("folds = 2\nholdout_days = 5", "folds = 4\nholdout_days = 6"))
    ended = run("init", changed)
    assert (ended.exit_code, "is needed, because training.folds and " in ended.errors) == (2, True)
    ended = run("init", changed, "--reason", "more folds")
    assert [line.split() for line in ended.output.splitlines()[2:]] == [
        ["Key", "Was", "Is"],
        ["training.folds", "2", "4"],
        ["training.holdout_days", "5", "6"],
    ]


def test_init_is_refused_when_the_file_cannot_be_read(run):
    ended = run("init", "missing.toml")
    assert (ended.exit_code, "The model file missing.toml cannot be read: No such file" in ended.errors) == (2, True)
