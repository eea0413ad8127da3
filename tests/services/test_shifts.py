"""Shifts that were measured: only what has changed is measured again, and the answer is the same."""

from dataclasses import fields
from datetime import timedelta

import numpy as np
import pytest

from mlops_core.entities import Window
from mlops_core.services.drift import read_drift
from mlops_core.services.drift_view import read_drift_view
from mlops_core.services.monitoring import count_waiting
from mlops_core.services.references import ensure_reference
from mlops_core.services.shifts import MOST_SERIES, ShiftCache
from mlops_core.stats.shift import Shifts
from mlops_core.store.models import get_version
from mlops_core.store.profile_cache import ProfileCache
from tests.services.test_drift import double_debt, send
from tests.small_home import PRESENT, START

DAY = timedelta(days=1)
NAMES = [field.name for field in fields(Shifts)]


class Meter:
    """Measures chunks as their numbers of rows, and remembers which it was asked for."""

    def __init__(self) -> None:
        self.cache = ShiftCache()
        self.asked: list[list[int]] = []

    def ask(self, chunks: list[int], n: list[int], key: str = "a") -> list[float]:
        starts, rows = np.array(chunks), np.array([n, n])

        def measure(first: int, last: int) -> Shifts:
            self.asked.append(chunks[first:last])
            return Shifts(**dict.fromkeys(NAMES, rows[:, first:last] * 1.0))

        found = self.cache.measure(key, starts, rows, measure)
        for name in NAMES:
            assert np.array_equal(getattr(found, name), rows), name
        return found.psi[0].tolist()


@pytest.fixture
def meter():
    return Meter()


def test_chunks_are_measured_once(meter):
    for _ in range(2):
        meter.ask([10, 20, 30], [5, 6, 7])
    assert meter.asked == [[10, 20, 30]]


def test_chunks_with_other_rows_are_measured_again_with_what_lies_between(meter):
    meter.ask([10, 20, 30, 40], [5, 6, 7, 8])
    assert meter.ask([10, 20, 30, 40], [5, 1, 7, 2]) == [5, 1, 7, 2]
    assert meter.asked[1:] == [[20, 30, 40]]


def test_other_windows_use_and_extend_what_is_known(meter):
    meter.ask([20, 30], [6, 7])
    meter.ask([30, 40], [7, 8])
    meter.ask([10, 20, 30, 40], [5, 6, 7, 8])
    meter.ask([20, 40], [6, 8])
    assert meter.asked == [[20, 30], [40], [10]]


def test_series_are_told_apart_by_their_key(meter):
    meter.ask([10], [5])
    meter.ask([10], [5], key="b")
    assert meter.asked == [[10], [10]]


def test_series_asked_for_longest_ago_make_room(meter):
    for i in range(MOST_SERIES + 1):
        meter.ask([10], [5], key=str(i))
    meter.ask([10], [5], key=str(MOST_SERIES))
    assert len(meter.asked) == MOST_SERIES + 1
    meter.ask([10], [5], key="0")
    assert len(meter.asked) == MOST_SERIES + 2


def assert_same(left, right):
    assert (left.features, left.chunks) == (right.features, right.chunks)
    for name in NAMES:
        assert np.array_equal(getattr(left.shifts, name), getattr(right.shifts, name), equal_nan=True), name
    assert np.array_equal(left.judgement.codes, right.judgement.codes)
    assert np.array_equal(left.judgement.n_current, right.judgement.n_current)
    for name in left.features:
        assert np.array_equal(left.counts[name].n, right.counts[name].n)
        assert left.counts[name].counts.sum() == right.counts[name].counts.sum()


def forget(runtime):
    runtime.shifts, runtime.database.profiles = ShiftCache(), ProfileCache()


@pytest.mark.parametrize("segment", [("", ""), ("region", "north")])
def test_what_is_said_after_new_rows_is_what_is_said_from_the_start(runtime, spec, segment):
    """Twice into the same day, once into an earlier one, and into a day after a gap."""
    version = get_version(runtime.database, spec.name, "v2")
    window = Window(START, PRESENT + 5 * DAY)
    for moment, change in (
        (PRESENT, double_debt),
        (PRESENT + DAY / 2, lambda rows: rows),
        (PRESENT - 2 * DAY, double_debt),
        (PRESENT + 3 * DAY, double_debt),
    ):
        send(runtime, spec, moment, change)
        count_waiting(runtime, spec)
        reference = ensure_reference(runtime, spec, version, PRESENT)
        table = read_drift(runtime, spec, version, reference, window, segment)
        view = read_drift_view(runtime, spec, window, window.end, segment)
        forget(runtime)
        assert_same(table, read_drift(runtime, spec, version, reference, window, segment))
        forget(runtime)
        assert_same(view.table, read_drift_view(runtime, spec, window, window.end, segment).table)
