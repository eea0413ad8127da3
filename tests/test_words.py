"""Figures and times in running text."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_core.config import parse_model_text
from mlops_core.entities import ChunkSize, Estimate
from mlops_core.words import (
    write_age,
    write_chunk,
    write_clock,
    write_day,
    write_difference,
    write_estimate,
    write_further_labels,
    write_instant,
    write_number,
    write_share,
    write_size,
    write_span,
    write_value,
)
from tests.small_home import MODEL_FILE

MOMENT = datetime(2013, 10, 7, 3, 30, tzinfo=UTC)
MIDNIGHT = datetime(2013, 10, 7, 4, tzinfo=UTC)
"""In New York."""


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0 %"),
        (0.004, "under 1 %"),
        (0.008, "1 %"),
        (0.405, "40 %"),
        (0.994, "99 %"),
        (0.9992, "over 99 %"),
        (1.0, "100 %"),
    ],
)
def test_share_keeps_a_remainder_when_it_would_be_rounded_away(value, written):
    assert write_share(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.0, "0.00"), (0.0049, "0.005"), (0.01, "0.01"), (0.433, "0.43"), (1.0, "1.00")]
)
def test_value_has_a_third_digit_when_it_is_small(value, written):
    assert write_value(value) == written


@pytest.mark.parametrize(
    ("estimate", "written"),
    [
        (Estimate(0.43, 0.334, 0.527), "0.43 [0.33, 0.53]"),
        (Estimate(0.8146, 0.809, 0.8202), "0.815 [0.809, 0.820]"),
        (Estimate(0.0105, 0.0076, 0.0144), "0.011 [0.008, 0.014]"),
        (Estimate(0.43), "0.43"),
        (Estimate(None), "–"),
    ],
)
def test_estimate_has_as_many_digits_as_its_interval_tells_apart(estimate, written):
    assert write_estimate(estimate) == written


def test_number_for_a_file_is_empty_when_there_is_none():
    assert (write_number(-0.12345), write_number(None)) == ("-0.1235", "")


@pytest.mark.parametrize(("value", "written"), [(0.417, "+0.42"), (-0.16, "−0.16"), (0.0, "+0.00")])
def test_difference_has_a_sign_when_written(value, written):
    assert write_difference(value) == written


def test_difference_has_more_digits_when_asked_for():
    assert write_difference(-0.0412, 3) == "−0.041"


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (3400, "about 3,400 more labels needed"),
        (1, "about 1 more label needed"),
        (1_000_000, "at least 1,000,000 more labels needed"),
    ],
)
def test_further_labels_are_a_bound_when_they_are_the_most(count, written):
    assert write_further_labels(count, 1_000_000) == written


def test_instant_and_clock_are_in_utc():
    assert write_instant(MOMENT) == "7 Oct 03:30"
    assert write_clock(datetime(2013, 10, 31, 12, tzinfo=UTC)) == "Thu 31 Oct 2013, 12:00 UTC"


def test_day_is_the_one_of_the_zone():
    assert write_day(MOMENT) == "7 Oct"
    assert write_day(MOMENT, "America/New_York") == "6 Oct"


@pytest.mark.parametrize(
    ("chunk", "written"),
    [
        (ChunkSize.HOUR, "7 Oct 00:00"),
        (ChunkSize.DAY, "7 Oct"),
        (ChunkSize.WEEK, "week of 7 Oct"),
        (ChunkSize.MONTH, "Oct 2013"),
    ],
)
def test_chunk_is_named_in_the_zone_of_its_model(chunk, written):
    model = MODEL_FILE.replace('chunk = "day"', f'chunk = "{chunk}"').replace('"UTC"', '"America/New_York"')
    assert write_chunk(parse_model_text(model), MIDNIGHT) == written


@pytest.mark.parametrize(
    ("days", "written"),
    [(1, "7 Oct"), (21, "7–27 Oct"), (25, "7–31 Oct"), (26, "7 Oct – 1 Nov"), (90, "7 Oct – 4 Jan")],
)
def test_span_names_its_first_and_last_day_when_its_end_is_exclusive(days, written):
    end = MIDNIGHT + timedelta(days=days, hours=days > 27)
    assert write_span(MIDNIGHT, end, "America/New_York") == written


@pytest.mark.parametrize(
    ("age", "written"),
    [
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=59), "59 minutes"),
        (timedelta(hours=47), "1 day"),
        (timedelta(days=13), "1 week"),
        (timedelta(days=24), "3 weeks"),
    ],
)
def test_age_is_in_its_largest_unit(age, written):
    assert write_age(age) == written


@pytest.mark.parametrize(("n_bytes", "words"), [(0, "0.0 kB"), (8_192, "8.2 kB"), (1_250_000, "1.25 MB")])
def test_size_is_written_in_the_unit_that_it_is_read_in(n_bytes, words):
    assert write_size(n_bytes) == words
