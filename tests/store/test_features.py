"""Feature profiles: what is stored equals what NumPy counts on the rows, however the rows came."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from mlops_core.chunking import find_chunk, find_runs
from mlops_core.entities import Window
from mlops_core.stats.features import OTHER_BIN, UNSEEN_BIN, FeatureBinning, FeatureCounts, order_entries, sum_up
from mlops_core.stats.grids import (
    HIGHEST_BIN,
    LOWEST_BIN,
    NEGATIVE_INFINITY_BIN,
    POSITIVE_INFINITY_BIN,
    NumericGrid,
    Transform,
    assign_grid_bins,
    choose_grid,
)
from mlops_core.store.binnings import add_binning, extend_binning, get_binning
from mlops_core.store.chunks import chunk_expression
from mlops_core.store.feature_sql import LONGEST_LIST, position_expression, run_expression
from mlops_core.store.features import count_new_rows, read_feature_profiles, read_null_counts
from mlops_core.store.profile_cache import MOST_BYTES, ChunkCounts, ProfileCache
from mlops_core.store.traffic import append_predictions
from tests.store.conftest import NOW, make_traffic

NEW_YORK = ZoneInfo("America/New_York")
START = datetime(2013, 10, 30, tzinfo=NEW_YORK).astimezone(UTC)
"""The clocks of New York go back on 3 November."""
ALL_TIME = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
ODD = 'it\'s "odd"'
CATEGORIES = ["plain", "it's", 'a "quote"', "😀", "'); drop table models; --", "=1+1", "<b>", "", None]
N_ROWS, N_DAYS = 3000, 9


class Rows:
    """Traffic of two versions over nine days."""

    def __init__(self, seed=7):
        rng = np.random.default_rng(seed)
        self.ids = [f"{seed}-{i}" for i in range(N_ROWS)]
        self.times = [START + timedelta(days=N_DAYS) * i / N_ROWS for i in range(N_ROWS)]
        self.version = rng.choice(["v1", "v2"], N_ROWS)
        self.region = rng.choice(["north", "south"], N_ROWS)
        self.odd = rng.choice(np.array(CATEGORIES, dtype=object), N_ROWS)
        amount = rng.lognormal(0, 2, N_ROWS) - 1
        amount[rng.random(N_ROWS) < 0.2] = np.nan
        amount[:4] = [np.inf, -np.inf, 1e308, -1e308]
        self.amount = amount

    def make(self, spec, chosen=slice(None)):
        return make_traffic(
            spec,
            self.ids[chosen],
            self.times[chosen],
            version=self.version[chosen],
            region=self.region[chosen],
            odd=self.odd[chosen].tolist(),
            amount=self.amount[chosen],
        )


@pytest.fixture
def rows():
    return Rows()


@pytest.fixture
def binning(database, rows):
    known = [category for category in CATEGORIES if category not in (None, "😀")]
    features = [
        FeatureBinning(feature="amount", grid=choose_grid(rows.amount)),
        FeatureBinning(feature="region", categories=("north", "south")),
        FeatureBinning(feature=ODD, categories=tuple(known)),
    ]
    with database.transaction() as transaction:
        return add_binning(transaction, "loans", "a test", features, NOW)


def read_one(database, binning, version, feature, segment=("", "")):
    profiles = read_feature_profiles(database, "loans", binning.id, ALL_TIME, segment, [feature])
    return next(profile for profile in profiles if profile.version == version)


def list_entries(profile):
    """Give the counts by chunk and bin."""
    counts, found = profile.counts, Counter()
    for chunk, bin_, n in zip(counts.chunk, counts.bins, counts.counts, strict=True):
        found[profile.chunks[chunk], int(bin_)] += int(n)
    return found


@pytest.mark.parametrize("segment", [("", ""), ("region", "north")])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_numbers_are_counted_as_numpy_counts_them(database, spec, rows, binning, version, segment):
    append_predictions(database, spec, rows.make(spec), NOW)
    assert count_new_rows(database, spec, binning) == N_ROWS
    profile = read_one(database, binning, version, "amount", segment)
    own = (rows.version == version) & ((rows.region == segment[1]) if segment[0] else True)
    grid, expected, sums = binning.features["amount"].grid, Counter(), {}
    nulls, totals = Counter(), Counter()
    for i in np.flatnonzero(own):
        chunk = find_chunk(spec, rows.times[i])
        totals[chunk] += 1
        if np.isnan(rows.amount[i]):
            nulls[chunk] += 1
            continue
        key = (chunk, int(assign_grid_bins([rows.amount[i]], grid)[0]))
        expected[key] += 1
        sums[key] = sums.get(key, 0.0) + rows.amount[i]
    assert list_entries(profile) == expected
    assert dict(zip(profile.chunks, profile.counts.n.tolist(), strict=True)) == totals
    assert dict(zip(profile.chunks, profile.counts.n_null.tolist(), strict=True)) == {c: nulls[c] for c in totals}
    for chunk, bin_, value in zip(profile.counts.chunk, profile.counts.bins, profile.counts.sums, strict=True):
        assert value == pytest.approx(sums[profile.chunks[chunk], int(bin_)])
    finite = own & np.isfinite(rows.amount)
    assert np.nanmin(profile.counts.minimum) == rows.amount[finite].min()
    assert np.nanmax(profile.counts.maximum) == rows.amount[finite].max()


def test_categories_are_counted_by_bin_and_new_ones_as_unseen(database, spec, rows, binning):
    append_predictions(database, spec, rows.make(spec), NOW)
    count_new_rows(database, spec, binning)
    profile = read_one(database, binning, "v1", ODD)
    own = [value for value, version in zip(rows.odd, rows.version, strict=True) if version == "v1"]
    total = Counter()
    for (_, bin_), n in list_entries(profile).items():
        total[bin_] += n
    known = binning.features[ODD].categories
    assert {known[bin_]: n for bin_, n in total.items() if bin_ >= 0} == {v: own.count(v) for v in known}
    assert total[UNSEEN_BIN] == own.count("😀") == profile.counts.n_unseen.sum()
    assert profile.counts.n_null.sum() == own.count(None)


def test_category_is_other_when_the_reference_had_more_than_have_a_bin(database, spec, rows):
    full = FeatureBinning(feature=ODD, categories=("plain",), is_full=True)
    with database.transaction() as transaction:
        binning = add_binning(transaction, "loans", "a test", [full], NOW)
    append_predictions(database, spec, rows.make(spec), NOW)
    count_new_rows(database, spec, binning)
    assert set(read_one(database, binning, "v1", ODD).counts.bins.tolist()) == {0, OTHER_BIN}


def test_counts_are_the_same_when_rows_come_in_many_batches(database, add_spec, rows, binning):
    whole, parts = add_spec(name="whole"), add_spec(name="parts")
    append_predictions(database, whole, rows.make(whole), NOW)
    count_new_rows(database, whole, binning)
    for offset in range(0, N_ROWS, 700):
        append_predictions(database, parts, rows.make(parts, slice(offset, offset + 700)), NOW)
        count_new_rows(database, parts, binning)
    for segment in (("", ""), ("region", "south"), (ODD, "it's")):
        left, right = (
            read_feature_profiles(database, name, binning.id, ALL_TIME, segment) for name in ("whole", "parts")
        )
        assert [(p.version, p.feature, p.chunks) for p in left] == [(p.version, p.feature, p.chunks) for p in right]
        assert left
        for one, other in zip(left, right, strict=True):
            assert list_entries(one) == list_entries(other)
            assert one.counts.n.tolist() == other.counts.n.tolist()
            assert np.array_equal(one.counts.maximum, other.counts.maximum, equal_nan=True)


@pytest.mark.parametrize("n_labels", [LONGEST_LIST - 2, LONGEST_LIST + 1])
def test_categories_and_segments_are_counted_however_many_there_are(database, spec, n_labels):
    rng = np.random.default_rng(5)
    names = [f"shop {i}" for i in range(n_labels)]
    region = [None, *rng.choice(names, N_ROWS - 1).tolist()]
    times = [START + timedelta(minutes=i) for i in range(N_ROWS)]
    append_predictions(database, spec, make_traffic(spec, [f"r{i}" for i in range(N_ROWS)], times, region=region), NOW)
    known = FeatureBinning(feature="region", categories=tuple(names[1:]))
    with database.transaction() as transaction:
        binning = add_binning(transaction, "loans", "a test", [known], NOW)
    assert count_new_rows(database, spec, binning) == N_ROWS
    profile = read_one(database, binning, "v1", "region")
    total = Counter()
    for (_, bin_), n in list_entries(profile).items():
        total[bin_] += n
    expected = Counter(names.index(name) - 1 if name != names[0] else UNSEEN_BIN for name in region[1:])
    assert total == expected
    assert profile.counts.n_null.sum() == 1
    segment = read_feature_profiles(database, "loans", binning.id, ALL_TIME, ("region", names[7]), ["region"])
    assert sum(int(one.counts.n.sum()) for one in segment) == region.count(names[7])
    assert read_one(database, binning, "v1", "region", ("region", "")).counts.n_null.sum() == 1


@pytest.mark.parametrize("segment", [("", ""), ("region", "north")])
def test_reading_again_gives_what_was_counted_meanwhile(database, spec, rows, binning, segment):
    """Each window is read twice: with what is known from before, and anew."""
    half = Window(START + timedelta(days=2), START + timedelta(days=5))
    for offset in (0, 1500, 1600, 2900):
        end = {0: 1500, 1500: 1600, 1600: 2900, 2900: N_ROWS}[offset]
        append_predictions(database, spec, rows.make(spec, slice(offset, end)), NOW)
        count_new_rows(database, spec, binning)
        for window, features in ((half, None), (ALL_TIME, ["amount"]), (ALL_TIME, None)):
            known = read_feature_profiles(database, "loans", binning.id, window, segment, features)
            database.profiles, kept = ProfileCache(), database.profiles
            anew = read_feature_profiles(database, "loans", binning.id, window, segment, features)
            database.profiles = kept
            assert [(p.version, p.feature, p.chunks) for p in known] == [(p.version, p.feature, p.chunks) for p in anew]
            for one, other in zip(known, anew, strict=True):
                assert list_entries(one) == list_entries(other)
                for name in ("n", "n_null", "minimum", "maximum"):
                    left, right = getattr(one.counts, name), getattr(other.counts, name)
                    assert np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
                sums = [order_entries(side.counts).sums for side in (one, other)]
                assert np.allclose(*sums, equal_nan=True)


def test_chunks_that_were_dropped_are_not_read_from_memory(database, spec, rows, binning):
    append_predictions(database, spec, rows.make(spec), NOW)
    count_new_rows(database, spec, binning)
    before = read_feature_profiles(database, "loans", binning.id, ALL_TIME)
    border = before[0].chunks[3]
    with database.transaction() as transaction:
        transaction.run("delete_feature_profiles_before", {"model": "loans", "before": border})
    after = read_feature_profiles(database, "loans", binning.id, ALL_TIME)
    assert [one.chunks for one in after] == [one.chunks[3:] for one in before]
    assert [one.counts.n.tolist() for one in after] == [one.counts.n[3:].tolist() for one in before]


def test_least_recently_read_profiles_make_room():
    cache, full = ProfileCache(), np.zeros(MOST_BYTES // 32 - 1, dtype=np.int64)
    one = np.ones(1, dtype=np.int64)
    large = FeatureCounts(
        n=one, n_null=one, chunk=full, bins=full, counts=full, sums=full * 1.0, minimum=one * 1.0, maximum=one * 1.0
    )
    for key in ("first", "second"):
        cache.keep(key, ChunkCounts(chunks=one, counts=large))
    assert cache.find("first").chunks.size == 0
    assert cache.find("second").chunks.size == 1


def test_nothing_is_counted_twice_when_nothing_new_came(database, spec, rows, binning):
    append_predictions(database, spec, rows.make(spec), NOW)
    assert count_new_rows(database, spec, binning) == N_ROWS
    assert count_new_rows(database, spec, binning) == 0
    append_predictions(database, spec, rows.make(spec), NOW)
    assert count_new_rows(database, spec, binning) == 0
    assert sum(p.counts.n.sum() for p in read_feature_profiles(database, "loans", binning.id, ALL_TIME)) == 4 * N_ROWS


def test_feature_without_bins_has_its_nulls_counted(database, spec, rows, binning):
    append_predictions(database, spec, rows.make(spec), NOW)
    count_new_rows(database, spec, binning)
    profile = read_one(database, binning, "v1", "source")
    assert profile.counts.n_null.tolist() == profile.counts.n.tolist()
    nulls = [row for row in read_null_counts(database, "loans", "v1", ALL_TIME) if row.feature == "source"]
    assert [row.n_null for row in nulls] == profile.counts.n.tolist()


def test_binning_is_read_back_as_it_was_written(database, binning):
    assert get_binning(database, "loans") == binning


def test_categories_keep_their_bins_when_a_binning_is_extended(database, binning):
    longer = FeatureBinning(feature="region", categories=("north", "south", "west"))
    added = FeatureBinning(feature="source", grid=NumericGrid(transform=Transform.IDENTITY, centre=0.5, scale=3.0))
    with database.transaction() as transaction:
        extended = extend_binning(transaction, binning, [longer, added])
    assert extended == get_binning(database, "loans")
    assert extended.features["region"].categories == ("north", "south", "west")
    assert extended.features["amount"] == binning.features["amount"]


def write_bin(column, grid):
    """Write the bin of a number in SQL, as an engine would that counts where the logs live."""
    distance = f"({column} - ({grid.centre!r}::double))"
    if grid.transform is Transform.EIGHTH_ROOT:
        distance = f"sign({distance}) * sqrt(sqrt(sqrt(abs({distance}))))"
    return (
        f"case when isinf({column}) then if({column} > 0, {POSITIVE_INFINITY_BIN}, {NEGATIVE_INFINITY_BIN}) "
        f"else greatest(least(floor({distance} * {grid.scale!r}::double), {HIGHEST_BIN}), {LOWEST_BIN}) end"
    )


@pytest.mark.parametrize("transform", list(Transform))
def test_sql_and_numpy_put_every_number_into_the_same_bin(database, transform):
    grid = NumericGrid(transform=transform, centre=0.1, scale=37.3)
    rng = np.random.default_rng(3)
    edges = 0.1 + np.arange(-500, 500) / 37.3
    special = [0.0, -0.0, 0.1, 5e-324, 1e308, -1e308, np.inf, -np.inf]
    values = np.concatenate([rng.normal(0, 30, 5000), np.nextafter(edges, -np.inf), edges, special])
    literals = ", ".join(f"({i}, '{value!r}'::double)" for i, value in enumerate(map(float, values)))
    found = database.table(
        f"select {write_bin('x', grid)}::integer as bin from (values {literals}) as t(i, x) order by i"
    )["bin"].to_numpy()
    assert np.array_equal(found, assign_grid_bins(values, grid))
    assert {LOWEST_BIN, HIGHEST_BIN, NEGATIVE_INFINITY_BIN, POSITIVE_INFINITY_BIN} <= set(found.tolist()) or (
        transform is Transform.EIGHTH_ROOT
    )


@pytest.mark.parametrize("timezone", ["UTC", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia"])
@pytest.mark.parametrize("chunk", ["hour", "day", "week", "month"])
def test_runs_give_the_chunks_that_the_calendar_gives_in_every_zone(database, add_spec, timezone, chunk):
    spec = add_spec(name="zoned", chunk=chunk, timezone=timezone)
    first = datetime(2011, 6, 1, tzinfo=UTC)
    runs = find_runs(spec, first, first + timedelta(days=400))
    found = database.table(
        f"select scored_at, {chunk_expression(spec)} as chunk, "
        f"make_timestamptz({run_expression(runs)}::bigint) as run_chunk, {position_expression(runs)} as position "
        "from (select timestamptz "
        "'2011-06-01 00:00:00+00' + to_minutes(range * 30) as scored_at from range(48 * 400)) order by scored_at"
    ).to_pydict()
    assert found["run_chunk"] == found["chunk"]
    chunks = sorted(set(found["chunk"]))
    assert [chunks[position] for position in found["position"]] == found["chunk"]
    assert [find_chunk(spec, moment) for moment in found["scored_at"]] == found["chunk"]


def test_chunks_merge_by_addition(database, spec, rows, binning):
    append_predictions(database, spec, rows.make(spec), NOW)
    count_new_rows(database, spec, binning)
    counts = read_one(database, binning, "v1", "amount").counts
    merged = sum_up(counts)
    assert merged.n.tolist() == [counts.n.sum()]
    assert merged.counts.sum() == counts.counts.sum()
    assert merged.n_infinite.tolist() == [counts.n_infinite.sum()]
    assert np.unique(merged.bins).size == merged.bins.size
