"""Words that were kept: said again as they were, and only while they are true."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from mlops_core.entities import Action, Actor, Window
from mlops_core.services.deployment import ChangeRequest, change_production
from mlops_core.services.first_words import LONGEST_KEPT, keep_words, recall_words
from mlops_core.services.monitoring import refresh
from mlops_core.services.overview import read_overview
from mlops_core.store.verdicts import get_newest_records, store_comparison
from tests.small_home import MODEL, PRESENT

SOON = timedelta(minutes=1)


@pytest.fixture
def kept(runtime, spec):
    """Keep what the overview says now and give it."""
    runtime.clocks[MODEL] = lambda: PRESENT
    headline = read_overview(runtime, spec, PRESENT).headline
    keep_words(runtime, spec, headline, get_newest_records(runtime.database, MODEL), PRESENT)
    return headline


def test_words_are_said_again_when_nothing_has_changed(runtime, spec, kept):
    runtime.clocks[MODEL] = lambda: PRESENT + LONGEST_KEPT - SOON
    assert recall_words(runtime, spec) == kept


def roll_back(runtime, spec):
    request = ChangeRequest(model=MODEL, to="v1", action=Action.ROLL_BACK, actor=Actor("ana", "page"), reason="test")
    change_production(runtime, request, now=PRESENT)


def compare(runtime, spec):
    store_comparison(runtime.database, MODEL, "v2", "v1", Window(PRESENT, PRESENT), {}, PRESENT)


@pytest.mark.parametrize(
    "change", [roll_back, compare, lambda runtime, spec: refresh(runtime, spec, PRESENT + SOON)],
    ids=["change of production", "comparison", "check"],
)  # fmt: skip
def test_words_are_not_said_again_when_the_store_has_newer_records(runtime, spec, kept, change):
    change(runtime, spec)
    assert recall_words(runtime, spec) is None


@pytest.mark.parametrize("passed", [LONGEST_KEPT, -SOON], ids=["too long ago", "clock set back"])
def test_words_are_not_said_again_when_the_time_is_another(runtime, spec, kept, passed):
    runtime.clocks[MODEL] = lambda: PRESENT + passed
    assert recall_words(runtime, spec) is None


def test_words_are_of_one_model_only(runtime, spec, kept):
    assert recall_words(runtime, replace(spec, name="other")) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"at": 1}', "\x00"])
def test_damaged_file_is_as_good_as_none(runtime, spec, kept, content):
    (runtime.home.words / f"{MODEL}.json").write_text(content)
    assert recall_words(runtime, spec) is None


def test_words_of_other_code_are_not_said_again(runtime, spec, kept):
    file = runtime.home.words / f"{MODEL}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"writers": "others"}))
    assert recall_words(runtime, spec) is None


@pytest.mark.parametrize("field", ["status", "sentence", "action"])
def test_file_of_another_release_is_as_good_as_none(runtime, spec, kept, field):
    file = runtime.home.words / f"{MODEL}.json"
    file.write_text(file.read_text().replace(f'"{field}"', '"unknown"'))
    assert recall_words(runtime, spec) is None


def test_words_that_cannot_be_kept_are_no_failure(runtime, spec, kept):
    # A file in the place of the folder stops even those who may write everywhere.
    for file in runtime.home.words.iterdir():
        file.unlink()
    runtime.home.words.rmdir()
    runtime.home.words.touch()
    keep_words(runtime, spec, kept, "", PRESENT)
    assert recall_words(runtime, spec) is None


def test_file_is_for_its_owner_only(runtime, kept):
    mode = (runtime.home.words / f"{MODEL}.json").stat().st_mode
    assert mode & 0o077 == 0
