"""The rules of drift as a full table, and how quiet they are when nothing changed."""

import numpy as np
import pytest

from mlops_core.checks.drift import STATUSES, Cause, DriftLimits, find_small_shifts, judge_drift, warn_of_losses
from mlops_core.checks.drift_summary import explain
from mlops_core.entities import Status
from mlops_core.stats.grouping import group_bins, merge_groups
from mlops_core.stats.shift import measure_shift

OK, WARNING, ALERT, INSUFFICIENT = Status.OK, Status.WARNING, Status.ALERT, Status.INSUFFICIENT_DATA
NAN = float("nan")
MANY = 10_000


def judge_one(effects, p_values, n_reference=MANY, n_current=MANY, natural=NAN, **options):
    """Judge a series of one feature and give the status and the rule of its last chunk."""
    rows = np.broadcast_to(n_current, len(effects))
    found = judge_drift([effects], [p_values], [n_reference], [rows], [natural], **options)
    return found.get_status(0, -1), Cause(found.causes[0, -1])


LOW = DriftLimits(alert_effect=0.05, warning_effect=0.02, significance=0.05)

LAST_CHUNK = {
    # One chunk, after one that was above every limit: what the chunk itself says.
    "far below": (0.0, 0.5, {}, OK, Cause.BELOW_LIMIT),
    "nearer than chance": (-0.1, 1.0, {}, OK, Cause.BELOW_LIMIT),
    "just below a warning": (0.0999, 0.0, {}, OK, Cause.BELOW_LIMIT),
    "at a warning": (0.1, 0.0099, {}, WARNING, Cause.ABOVE_WARNING_LIMIT),
    "at a warning, by chance": (0.1, 0.01, {}, OK, Cause.NOT_SIGNIFICANT),
    "just below an alert": (0.1999, 0.0, {}, WARNING, Cause.ABOVE_WARNING_LIMIT),
    "at an alert": (0.2, 0.0099, {}, ALERT, Cause.LASTING),
    "at an alert, by chance": (0.9, 0.01, {}, OK, Cause.NOT_SIGNIFICANT),
    # Natural variation raises both limits, and never lowers one.
    "below natural variation": (0.3999, 0.0, {"natural": 0.4}, OK, Cause.NATURAL),
    "at natural variation": (0.4, 0.0, {"natural": 0.4}, ALERT, Cause.LASTING),
    "below natural variation that raises the warning only": (0.14, 0.0, {"natural": 0.15}, OK, Cause.NATURAL),
    "at natural variation that raises the warning only": (0.15, 0.0, {"natural": 0.15}, WARNING, None),
    "natural variation below the fixed limits": (0.1, 0.0, {"natural": -0.02}, WARNING, None),
    "below natural variation and the fixed limit": (0.05, 0.0, {"natural": 0.4}, OK, Cause.BELOW_LIMIT),
    # Rows.
    "200 rows of the reference": (0.0, 0.5, {"n_reference": 200}, OK, None),
    "199 rows of the reference": (0.0, 0.5, {"n_reference": 199}, INSUFFICIENT, Cause.TOO_FEW_REFERENCE_ROWS),
    "200 current rows": (0.0, 0.5, {"n_current": 200}, OK, None),
    "199 current rows": (0.9, 0.0, {"n_current": 199}, INSUFFICIENT, Cause.TOO_FEW_ROWS),
    "no rows": (NAN, NAN, {"n_current": 0}, INSUFFICIENT, Cause.TOO_FEW_ROWS),
    "500 current rows": (0.9, 0.0, {"n_current": 500}, ALERT, None),
    "499 current rows": (0.9, 0.0, {"n_current": 499}, WARNING, Cause.TOO_FEW_ROWS_FOR_ALERT),
    "499 rows of the reference": (0.9, 0.0, {"n_reference": 499}, WARNING, Cause.TOO_FEW_ROWS_FOR_ALERT),
    # A failed computation is neither OK nor drift.
    "no effect": (NAN, 0.5, {}, INSUFFICIENT, Cause.UNDEFINED),
    "no test": (0.0, NAN, {}, INSUFFICIENT, Cause.UNDEFINED),
    "no test of a large effect": (0.9, NAN, {}, INSUFFICIENT, Cause.UNDEFINED),
    "infinite effect": (np.inf, 0.0, {}, INSUFFICIENT, Cause.UNDEFINED),
    "no pooled share": (0.0, 0.5, {"pooled_shares": NAN}, INSUFFICIENT, Cause.UNDEFINED),
    # Rare categories.
    "half of it pooled": (0.0, 0.5, {"pooled_shares": 0.5}, OK, None),
    "more than half of it pooled": (0.9, 0.0, {"pooled_shares": 0.51}, INSUFFICIENT, Cause.MOSTLY_POOLED),
    # Other limits.
    "limits of one's own": (0.05, 0.04, {"limits": LOW}, ALERT, None),
}


@pytest.mark.parametrize(("effect", "p_value", "options", "status", "cause"), LAST_CHUNK.values(), ids=LAST_CHUNK)
def test_status_of_a_chunk_follows_the_table_when_the_one_before_was_above_every_limit(
    effect, p_value, options, status, cause
):
    found = judge_one([9.0, effect], [0.0, p_value], **options)
    assert found[0] is status
    assert cause in (None, found[1])


@pytest.mark.parametrize(
    ("recent", "status", "cause"),
    [
        ("X", WARNING, Cause.NOT_LASTING),
        (".X", WARNING, Cause.NOT_LASTING),
        ("..X", WARNING, Cause.NOT_LASTING),
        ("XX", ALERT, Cause.LASTING),
        (".XX", ALERT, Cause.LASTING),
        ("X.X", ALERT, Cause.LASTING),
        ("XXX", ALERT, Cause.LASTING),
        ("XX.", OK, Cause.BELOW_LIMIT),
        ("X..X", WARNING, Cause.NOT_LASTING),
        ("XX..X", WARNING, Cause.NOT_LASTING),
        ("w?X", WARNING, Cause.NOT_LASTING),
        ("wX", WARNING, Cause.NOT_LASTING),
        ("pX", WARNING, Cause.NOT_LASTING),
        ("?X", WARNING, Cause.NOT_LASTING),
        ("X?X", ALERT, Cause.LASTING),
        ("0X", WARNING, Cause.NOT_LASTING),
        ("sX", ALERT, Cause.LASTING),
        ("Xs", WARNING, Cause.TOO_FEW_ROWS_FOR_ALERT),
        ("XX?", INSUFFICIENT, Cause.UNDEFINED),
    ],
)
def test_alert_needs_two_of_the_last_three_chunks(recent, status, cause):
    kinds = {
        "X": (0.3, 0.0, MANY),
        ".": (0.0, 0.5, MANY),
        "w": (0.15, 0.0, MANY),
        "p": (0.3, 0.5, MANY),
        "?": (NAN, NAN, MANY),
        "0": (0.3, 0.0, 100),
        "s": (0.3, 0.0, 300),
    }
    effects, p_values, n_current = zip(*(kinds[kind] for kind in recent), strict=True)
    assert judge_one(effects, p_values, n_current=n_current) == (status, cause)


@pytest.mark.parametrize(
    ("least", "recent_chunks", "status"), [(1, 1, ALERT), (2, 2, WARNING), (2, 4, ALERT), (3, 4, WARNING)]
)
def test_persistence_can_be_set(least, recent_chunks, status):
    limits = DriftLimits(least_chunks=least, recent_chunks=recent_chunks)
    assert judge_one([0.3, 0.0, 0.0, 0.3], [0.0, 1.0, 1.0, 0.0], limits=limits)[0] is status


@pytest.mark.parametrize(
    ("effect", "p_value", "n_current", "status", "cause"),
    [
        (0.3, 0.001, MANY, ALERT, Cause.CANDIDATE),
        (0.3, 0.001, 499, WARNING, Cause.TOO_FEW_ROWS_FOR_ALERT),
        (0.15, 0.001, MANY, WARNING, Cause.ABOVE_WARNING_LIMIT),
        (0.3, 0.01, MANY, OK, Cause.NOT_SIGNIFICANT),
        (0.3, 0.001, 199, INSUFFICIENT, Cause.TOO_FEW_ROWS),
    ],
)
def test_alert_is_a_candidate_when_a_window_is_no_series(effect, p_value, n_current, status, cause):
    assert judge_one([effect], [p_value], n_current=n_current, has_persistence=False) == (status, cause)


def test_p_values_are_adjusted_over_the_judged_features_of_each_chunk():
    p_values = np.array([[0.004, 0.004], [0.5, 0.5], [0.9, 0.9], [0.003, 0.003]])
    found = judge_drift(np.full((4, 2), 0.15), p_values, [MANY] * 4, [[MANY, MANY]] * 3 + [[MANY, 10]], [NAN] * 4)
    np.testing.assert_allclose(found.p_adjusted[:, 0], [0.008, 2 / 3, 0.9, 0.008])
    np.testing.assert_allclose(found.p_adjusted[:, 1], [0.012, 0.75, 0.9, NAN])
    assert [found.get_status(0, chunk) for chunk in (0, 1)] == [WARNING, OK]


def test_limits_are_known_for_each_feature_when_natural_variation_is_known_for_some():
    found = judge_drift(np.zeros((3, 1)), np.ones((3, 1)), [MANY] * 3, [MANY], [None, 0.15, 0.6])
    np.testing.assert_allclose(found.alert_limits, [0.2, 0.2, 0.6])
    np.testing.assert_allclose(found.warning_limits, [0.1, 0.15, 0.6])


def test_table_is_judged_as_its_features_are_one_by_one_when_families_are_of_one():
    rng = np.random.default_rng(0)
    effects, p_values = rng.normal(0.2, 0.1, (1, 200)), rng.random((1, 200)) ** 6
    rows, natural = rng.integers(100, 900, (1, 200)), 0.12
    table = judge_drift(effects, p_values, [700], rows, [natural])
    assert set(table.codes.ravel()) == set(range(len(STATUSES)))
    for chunk in range(2, 200):
        part = slice(chunk - 2, chunk + 1)
        expected = judge_one(effects[0, part], p_values[0, part], 700, rows[0, part], natural)
        assert (table.get_status(0, chunk), Cause(table.causes[0, chunk])) == expected


def test_table_without_features_is_judged():
    found = judge_drift(np.empty((0, 3)), np.empty((0, 3)), [], np.full((1, 3), MANY)[:0], [])
    assert found.codes.shape == (0, 3)


def list_shares():
    """Give 20 features: even and Zipf categories, and numbers in ten groups with a few nulls."""
    zipf = [np.arange(1, levels + 1) ** -1.5 for levels in (3, 12, 50, 300)]
    even = [np.ones(levels) for levels in (3, 12, 50, 300)]
    numbers = [np.append(np.ones(10), nulls) for nulls in (0, 0.001, 0.01, 0.1)]
    return [share / share.sum() for share in (zipf + even + numbers) * 2][:20]


@pytest.mark.parametrize(("n", "m"), [(200, 200), (500, 500), (2000, 500), (100_000, 1000), (1_000_000, 1_000_000)])
def test_windows_are_quiet_when_nothing_changed(n, m):
    rng = np.random.default_rng(m)
    windows = 400
    shifts = [
        measure_shift(rng.multinomial(n, share, size=windows), rng.multinomial(m, share, size=windows))
        for share in list_shares()
    ]
    effects, p_values, pooled = (
        np.stack([getattr(shift, name) for shift in shifts]) for name in ("effect", "p_value", "pooled_share")
    )
    found = judge_drift(
        effects, p_values, [n] * 20, np.full(windows, m), [NAN] * 20, has_persistence=False, pooled_shares=pooled
    )
    assert (found.codes == STATUSES.index(ALERT)).any(axis=0).mean() < 0.01
    assert (found.codes >= STATUSES.index(WARNING)).any(axis=0).mean() < 0.05


@pytest.mark.parametrize("n", [1000, 20_000])
def test_shift_of_half_a_standard_deviation_is_found_among_20_features(n):
    rng = np.random.default_rng(n)
    windows = 300
    edges = np.linspace(-4, 4, 120)

    def count(mean):
        draws = rng.normal(mean, size=(windows, n))
        return np.stack([np.bincount(np.searchsorted(edges, draw), minlength=121) for draw in draws])

    reference = count(0.0).sum(axis=0)
    groups = group_bins(reference)
    moved = measure_shift(merge_groups(reference, groups), merge_groups(count(0.5), groups))
    p_values = np.vstack([moved.p_value, rng.random((19, windows))])
    effects = np.vstack([moved.effect, np.zeros((19, windows))])
    found = judge_drift(effects, p_values, [MANY] * 20, np.full(windows, n), [NAN] * 20)
    assert (found.codes[0] >= STATUSES.index(WARNING)).mean() >= 0.99


COSTS = {
    # One chunk of a feature, with the loss that its drift is expected to bring; 0.05 is too much.
    "at the cost": (0.01, 0.0, 0.05, {}, WARNING, Cause.COSTLY),
    "below the cost": (0.01, 0.0, 0.0499, {}, OK, Cause.BELOW_LIMIT),
    "a gain": (0.01, 0.0, -0.5, {}, OK, Cause.BELOW_LIMIT),
    "no loss known": (0.01, 0.0, NAN, {}, OK, Cause.BELOW_LIMIT),
    "by chance": (0.01, 0.01, 0.5, {}, OK, Cause.BELOW_LIMIT),
    "natural": (0.3, 0.0, 0.5, {"natural": [0.4]}, WARNING, Cause.COSTLY),
    "a warning already": (0.15, 0.0, 0.5, {}, WARNING, Cause.ABOVE_WARNING_LIMIT),
    "an alert in one chunk": (0.5, 0.0, 0.5, {}, WARNING, Cause.NOT_LASTING),
    "too few rows": (0.01, 0.0, 0.5, {"rows": 199}, INSUFFICIENT, Cause.TOO_FEW_ROWS),
}


@pytest.mark.parametrize(("effect", "p", "loss", "options", "status", "cause"), COSTS.values(), ids=COSTS)
def test_shift_that_costs_too_much_is_a_warning_however_small(effect, p, loss, options, status, cause):
    judged = judge_drift([[effect]], [[p]], [MANY], [[options.get("rows", MANY)]], options.get("natural", [NAN]))
    found = warn_of_losses(judged, np.array([[loss]]), 0.05)
    assert (found.get_status(0, 0), Cause(found.causes[0, 0])) == (status, cause)
    if cause is Cause.COSTLY:
        assert find_small_shifts(judged).all()
        told = explain(found, "delay", 0, 0)
        assert told.endswith(f"it is expected to cost {loss:.3f} of the primary metric, and 0.05 is too much.")
