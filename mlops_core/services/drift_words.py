"""The drift page in words: decides its sentence, what is to be borne in mind, and how a feature's line reads."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from mlops_core.checks.drift import Cause
from mlops_core.checks.drift_summary import DriftSummary, explain, summarise_drift
from mlops_core.checks.headline import Headline
from mlops_core.entities import Status
from mlops_core.services.drift_outcomes import REFERENCE_CHUNKS, Outcome
from mlops_core.services.drift_view import DriftView, find_since, get_ratios, rank_features
from mlops_core.store.references import WINDOW
from mlops_core.words import write_chunk, write_difference, write_share, write_span, write_value

COLUMNS = ("feature", "status", "effect", "limit", "effect ÷ limit", "PSI", "since", "null", "reason")
IMPACT_PLACE = 2
"""Of the expected change of the metric among the columns, when it is known of any feature."""
MOST_NAMED = 3
YEAR, SEASON = timedelta(days=360), timedelta(days=100)
STATUS_WORDS = {
    Status.ALERT: "▲ drifted",
    Status.WARNING: "△ may have drifted",
    Status.OK: "no drift",
    Status.INSUFFICIENT_DATA: "not enough data",
}


def tell_drift(view: DriftView, position: int) -> Headline:
    """Say which features drifted in a chunk, since when, and how many; else that none did, or why nobody knows."""
    table = view.table
    summary = summarise_drift(table.judgement, table.features, position)
    name = write_chunk(view.spec, table.chunks[position])
    kicker = {
        Status.ALERT: "DRIFT",
        Status.WARNING: "POSSIBLE DRIFT",
        Status.OK: "NO DRIFT",
        Status.INSUFFICIENT_DATA: "NOT ENOUGH DATA",
    }[summary.status]
    of_all = f"{summary.n_features} feature{'' if summary.n_features == 1 else 's'}"
    if summary.alerts:
        sentence = f"{len(summary.alerts)} of {of_all} drifted: {_list_since(view, summary.alerts, position)}."
    elif summary.warnings:
        few = f"{len(summary.warnings)} of {of_all} may have drifted"
        sentence = f"{few}: {_list_since(view, summary.warnings, position)}."
    elif summary.status is Status.OK:
        sentence = f"None of the {summary.n_judged} features that can be judged drifted."
    else:
        reason = explain(table.judgement, table.features[0], 0, position)
        sentence = f"Not enough data to say whether features drifted: {reason}"
    detail = " ".join(part for part in (_tell_rest(view, summary, position), *_tell_outcomes(view, position)) if part)
    return Headline(
        status=summary.status,
        kicker=f"{kicker} · {name}",
        sentence=sentence,
        detail=f"{detail} Compared with {tell_reference(view)}.".strip(),
        action=None,
        target=None,
    )


def tell_nothing(reason: str) -> Headline:
    """Say why there is nothing to compare."""
    return Headline(
        status=Status.INSUFFICIENT_DATA,
        kicker="NOT ENOUGH DATA",
        sentence="Whether features drifted cannot be said yet.",
        detail=reason,
        action=None,
        target=None,
    )


def tell_reference(view: DriftView) -> str:
    """Name what the features are compared with."""
    reference, spec = view.table.reference, view.spec
    span = write_span(reference.start, reference.end, spec.timezone)
    what = "the traffic" if reference.kind == WINDOW else f"the training rows of {reference.version}"
    return f"{what}: {reference.n:,} {spec.words.rows}, {span} {reference.end:%Y}"


def list_notices(view: DriftView) -> list[str]:
    """Say what limits the answer: chunks left out, a short reference, and features that move by themselves."""
    table, spec = view.table, view.spec
    notices = []
    if view.n_in_window > len(view.chunks):
        notices.append(
            f"The newest {len(view.chunks)} of {view.n_in_window} {spec.chunk.value}s in this window are shown. The "
            'command "drift" and the API compare older ones.'
        )
    unknown = [name for name, natural in zip(table.features, table.natural, strict=True) if np.isnan(natural)]
    if unknown:
        unit = f"{spec.chunk.value}s"
        is_all = len(unknown) == len(table.features)
        which = f"{table.reference.n_chunks} {unit}, too few" if is_all else f"too few {unit} of {_list_some(unknown)}"
        notices.append(
            f"The reference has {which} to know how far features move by themselves: the fixed limit holds, and what "
            "is natural may look like drift."
        )
    length = table.reference.end - table.reference.start
    if length < YEAR:
        season = "a single season" if length < SEASON else "less than a year"
        notices.append(
            f"The reference covers {season} ({length.days} days): what another season brings looks like drift."
        )
    hidden = list_hiding(view)
    if hidden:
        verb = "differs" if len(hidden) == 1 else "differ"
        notices.append(
            f"{_list_some(hidden)} {verb} so much between {spec.chunk.value}s of the reference itself that the limit "
            "is raised to what is natural: a smaller shift that lasts stays unseen here. Compare with a window of the "
            "same season."
        )
    return notices


def list_hiding(view: DriftView) -> list[str]:
    """Name the features whose natural variation raised the limit, the highest first."""
    judgement = view.table.judgement
    raised = [
        (float(judgement.alert_limits[i]), name)
        for i, name in enumerate(view.table.features)
        if judgement.alert_limits[i] > judgement.limits.alert_effect
    ]
    return [name for _, name in sorted(raised, key=lambda one: (-one[0], one[1]))]


def tell_feature(view: DriftView, feature: str, position: int) -> str:
    """Say what the verdict on a feature rests on in a chunk."""
    i, judgement = view.table.features.index(feature), view.table.judgement
    told = [explain(judgement, feature, i, position)]
    since = find_since(view, i, position)
    if since is not None and since != view.table.chunks[position]:
        told.append(f"It has been so since {_name_since(view, since)}.")
    if Cause(judgement.causes[i, position]) is Cause.NATURAL or feature in list_hiding(view):
        told.append(
            f"Natural variation is {write_value(view.table.natural[i])}: {view.spec.chunk.value}s of the reference "
            "differ that much among themselves, and a smaller shift is not told from it."
        )
    return " ".join(told)


def has_impact(view: DriftView, position: int) -> bool:
    """Say whether the expected change of the metric is known of any feature in a chunk."""
    return bool(np.isfinite(view.expect(position)).any())


def list_columns(view: DriftView, position: int) -> tuple[str, ...]:
    """Name the columns of `list_rows`: `COLUMNS`, and the expected change of the metric when any is known."""
    expected = (f"expected {view.spec.primary_metric.label}",) if has_impact(view, position) else ()
    return (*COLUMNS[:IMPACT_PLACE], *expected, *COLUMNS[IMPACT_PLACE:])


def list_rows(view: DriftView, position: int) -> list[tuple[str, ...]]:
    """Give the features of a chunk as text, the worst first, in the order of `list_columns`."""
    table, ratios = view.table, get_ratios(view.table.judgement)
    rows: list[tuple[str, ...]] = []
    is_known = has_impact(view, position)
    for i in rank_features(view, position):
        name = table.features[i]
        since = find_since(view, i, position)
        counts = table.counts[name]
        n = int(counts.n[position])
        rows.append(
            (
                name,
                STATUS_WORDS[table.judgement.get_status(i, position)],
                *((_write_change(view.expect(position)[i]),) if is_known else ()),
                _write(table.shifts.effect[i, position]),
                _write(table.judgement.alert_limits[i]),
                _write(ratios[i, position]),
                _write(table.shifts.psi[i, position]),
                _name_since(view, since) if since else "",
                write_share(int(counts.n_null[position]) / n) if n else "–",
                explain(table.judgement, name, i, position),
            )
        )
    return rows


def list_cells(view: DriftView) -> list[tuple[str, ...]]:
    """Give every cell of every feature as text, in the order of `CELL_COLUMNS`."""
    table, judgement = view.table, view.table.judgement
    return [
        (
            table.chunks[place].isoformat(),
            name,
            judgement.get_status(i, place).value,
            _write(judgement.effects[i, place], 4),
            _write(judgement.alert_limits[i], 4),
            _write(table.shifts.psi[i, place], 4),
            _write(judgement.p_adjusted[i, place], 4),
            str(int(judgement.n_current[i, place])),
            explain(judgement, name, i, place),
        )
        for i, name in enumerate(table.features)
        for place in range(view.first, len(table.chunks))
    ]


CELL_COLUMNS = ("chunk", "feature", "status", "effect", "limit", "psi", "p_adjusted", "n", "reason")


def _list_since(view: DriftView, names: Sequence[str], position: int) -> str:
    told = []
    order = [view.table.features[i] for i in rank_features(view, position)]
    for name in sorted(names, key=order.index)[:MOST_NAMED]:
        since = find_since(view, view.table.features.index(name), position)
        told.append(f"{name}{_write_since(view, since, position)}")
    return _list_some([*told, *names[MOST_NAMED:]])


def _write_since(view: DriftView, since: datetime | None, position: int) -> str:
    if since is None or since == view.table.chunks[position]:
        return ""
    return f" since {_name_since(view, since)}"


def _name_since(view: DriftView, since: datetime) -> str:
    # What was so in the first chunk that is known may have begun earlier.
    return write_chunk(view.spec, since) + (" or before" if since == view.table.chunks[0] else "")


def _list_some(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f", and {rest} more" if rest > 0 else "")


def _tell_rest(view: DriftView, summary: DriftSummary, position: int) -> str:
    told = []
    if summary.alerts and summary.warnings:
        told.append(f"{len(summary.warnings)} more may have drifted: {_list_since(view, summary.warnings, position)}.")
    missing = summary.n_features - summary.n_judged
    if missing and summary.status is not Status.INSUFFICIENT_DATA:
        told.append(f"{missing} could not be judged.")
    return " ".join(told)


def _tell_outcomes(view: DriftView, position: int) -> list[str]:
    return [tell_outcome(one, position) for one in view.outcomes if _has_moved(one, position)]


def tell_outcomes(view: DriftView) -> str:
    """Say with what scores and labels are compared, or why they are not yet."""
    if not view.outcomes:
        return "There are no scores of the version in production yet."
    short = next((one.reasons[0] for one in view.outcomes if one.judgement is None), None)
    if short:
        return f"Not shown: scores and labels. {short}"
    first = f"{view.version}'s first {REFERENCE_CHUNKS} {view.spec.chunk.value}s in production"
    return f"Scores and labels are compared with {first}, which are drawn as well."


def _has_moved(outcome: Outcome, position: int) -> bool:
    judgement = outcome.judgement
    return judgement is not None and judgement.get_status(0, position) in (Status.ALERT, Status.WARNING)


def tell_outcome(outcome: Outcome, position: int) -> str:
    """Say what the verdict on the scores or labels of a chunk rests on."""
    return outcome.reasons[position] if outcome.judgement is not None else outcome.reasons[0]


def _write_change(change: float) -> str:
    return write_difference(change, 3) if math.isfinite(change) else "–"


def _write(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"
