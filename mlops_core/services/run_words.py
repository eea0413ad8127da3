"""Training runs in words: decides what is said first of them, and how steps, candidates, and reasons are listed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from mlops_core.checks.headline import Headline
from mlops_core.entities import Action, Metric, ModelSpec, Status
from mlops_core.runs import RunStatus, StepState, StepStatus, TrainingRun, Trigger
from mlops_core.services.activity import write_csv
from mlops_core.services.leaderboard import average_folds, rank_trials
from mlops_core.services.shadow import Shadow
from mlops_core.services.shadow_words import judge_shadow, tell_shadow
from mlops_core.stats.judgement import Judgement
from mlops_core.words import write_age, write_day, write_instant, write_number, write_span, write_value

MARKS = {
    StepStatus.DONE: ("yes", "✓", "done"),
    StepStatus.FAILED: ("no", "✕", "failed"),
    StepStatus.RUNNING: ("note", "●", "running"),
    StepStatus.WAITING: ("", "·", "waiting"),
    StepStatus.SKIPPED: ("", "–", "skipped"),
}
"""How a step is marked: colour, sign, and word."""
TRIGGERS = {Trigger.PERSON: "by hand", Trigger.SCHEDULE: "schedule", Trigger.POLICY: "policy"}
HISTORY_COLUMNS = ("Run", "Ordered (UTC)", "By", "Trigger", "Outcome", "Version", "Took", "Reason")
NO_VERSION = "–"
LEADERBOARD_METRICS = (Metric.F1, Metric.ROC_AUC, Metric.PRECISION, Metric.RECALL, Metric.BRIER)
NO_TRAINING = """[training]
entry_point = "package.module:candidates"   # a function that gives a list of Candidate
holdout_days = 10                           # the newest labelled rows, kept for the gate
"""
_TONES = {
    RunStatus.SUCCEEDED: (Status.OK, "PASSED THE GATE"),
    RunStatus.REFUSED: (Status.WARNING, "REFUSED BY THE GATE"),
    RunStatus.FAILED: (Status.ALERT, "FAILED"),
    RunStatus.CANCELLED: (Status.INSUFFICIENT_DATA, "CANCELLED"),
    RunStatus.QUEUED: (Status.INSUFFICIENT_DATA, "WAITING FOR ITS WORKER"),
    RunStatus.RUNNING: (Status.INSUFFICIENT_DATA, "RUNNING"),
}


def tell_training(
    spec: ModelSpec, runs: Sequence[TrainingRun], shadow: Shadow | None, champion: str | None
) -> Headline:
    """Say where training stands, by the newest run.

    Parameters
    ----------
    runs : sequence of TrainingRun
        The newest first.
    shadow : Shadow, optional
        How the challenger does; None while there is none.
    champion : str, optional
        The version in production.
    """
    if spec.training is None:
        return _say(
            Status.INSUFFICIENT_DATA,
            "NOT SET UP",
            f"{spec.name} is trained elsewhere.",
            "Its model file has no section [training].",
        )
    if not runs:
        sentence = f"No version of {spec.name} has been trained here yet."
        detail = (
            f"The entry point is {spec.training.entry_point}. What it names is tried on labelled {spec.words.rows}."
        )
        return _say(Status.INSUFFICIENT_DATA, "NO RUNS YET", sentence, detail)
    run, challenger = runs[0], shadow.challenge.version if shadow else None
    status, kicker = _TONES[run.status]
    detail = _tell_order(run)
    if shadow and shadow.comparison and run.version == challenger:
        detail += f" Live since {write_day(shadow.start, spec.timezone)}, in the shadow: {tell_shadow(spec, shadow)}"
    headline = _say(status, f"{kicker} · RUN {run.id}", _tell_run(run, challenger, champion), detail)
    is_challenger = run.status is RunStatus.SUCCEEDED and run.version == challenger
    is_worse = shadow is not None and judge_shadow(spec, shadow) is Judgement.WORSE
    return _advise(headline, run.version) if is_challenger and not is_worse else headline


def _tell_run(run: TrainingRun, challenger: str | None, champion: str | None) -> str:
    if run.status is RunStatus.SUCCEEDED:
        more = " and is the challenger now" if run.version == challenger else ""
        more = " and is in production" if run.version == champion else more
        return f"{run.version} has passed the gate{more}."
    if run.status is RunStatus.REFUSED:
        return run.reason
    if run.status is RunStatus.FAILED:
        return f"Run {run.id} has failed: {run.reason}"
    if run.status is RunStatus.CANCELLED:
        return f"Run {run.id} was cancelled; nothing of it is registered."
    return f"Run {run.id} is going on. It goes on when this page is closed."


def _tell_order(run: TrainingRun) -> str:
    by = "" if run.order.trigger is Trigger.PERSON else f" ({TRIGGERS[run.order.trigger]})"
    return f"Ordered by {run.order.actor.name}{by} on {write_instant(run.at)}: {run.order.reason}"


def _say(status: Status, kicker: str, sentence: str, detail: str) -> Headline:
    return Headline(status=status, kicker=kicker, sentence=sentence, detail=detail, action=None, target=None)


def _advise(headline: Headline, version: str | None) -> Headline:
    return Headline(
        status=headline.status,
        kicker=headline.kicker,
        sentence=headline.sentence,
        detail=headline.detail,
        action=Action.PROMOTE,
        target=version,
    )


def list_history(runs: Sequence[TrainingRun]) -> list[tuple[str, ...]]:
    """Give a line a run, under `HISTORY_COLUMNS`."""
    return [
        (
            str(run.id),
            write_instant(run.at),
            run.order.actor.name,
            TRIGGERS[run.order.trigger],
            name_outcome(run),
            run.version or NO_VERSION,
            tell_duration(run),
            run.order.reason,
        )
        for run in runs
    ]


def name_run(run: TrainingRun) -> str:
    """Name a run where one is chosen, by what never changes: "Run 3 · 11 Nov 12:00"."""
    return f"Run {run.id} · {write_instant(run.at)}"


def propose_reason(spec: ModelSpec, now: datetime) -> str:
    """Give a reason to order a run, to be changed by who orders it."""
    return f"Train on labels that had arrived by {write_day(now, spec.timezone)}"


def name_outcome(run: TrainingRun) -> str:
    """Say in a word what came of a run, or what it does."""
    return "passed" if run.status is RunStatus.SUCCEEDED else run.status.value


def tell_duration(run: TrainingRun) -> str:
    """Say how long a run took; a dash while it goes on."""
    if not run.status.is_over or run.changed_at is None:
        return "–"
    return write_duration(run.changed_at - run.recorded_at)


def write_duration(length: timedelta) -> str:
    """Write a duration: "4 s", "2 min 5 s", "1 h 3 min".

    Examples
    --------
    >>> write_duration(timedelta(seconds=125)), write_duration(timedelta(hours=1, minutes=3))
    ('2 min 5 s', '1 h 3 min')
    """
    seconds = max(round(length.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def tell_progress(steps: Sequence[StepState]) -> tuple[float, str]:
    """Give the share of all steps that is done, 0–1, and what is being done."""
    running = next((state for state in steps if state.status is StepStatus.RUNNING), None)
    done = sum(state.status in (StepStatus.DONE, StepStatus.SKIPPED) for state in steps)
    share = (done + (running.fraction or 0.0 if running else 0.0)) / len(steps)
    words = f"{running.step.value.capitalize()}: {running.words or 'begins'}" if running else "Between two steps"
    return min(share, 1.0), words


def describe_run(run: TrainingRun) -> str:
    """Say in a line how a run ended, how long it took, and which span was asked for."""
    took, window = tell_duration(run), run.order.window
    span = write_span(window.start, window.end) if window else ""
    return " · ".join(part for part in (name_outcome(run), took if took != "–" else "", span) if part)


def tell_step(state: StepState, now: datetime) -> str:
    """Say what a step does or what came of it, and for how long."""
    words = state.words or {StepStatus.WAITING: "", StepStatus.RUNNING: "begins"}.get(state.status, "")
    if state.started_at is None:
        return words
    took = write_duration((state.ended_at or now) - state.started_at)
    return f"{words} ({took})" if words else f"({took})"


def list_leaderboard(trials: Sequence[Mapping[str, Any]], primary: Metric) -> tuple[list[str], list[list[str]]]:
    """Give the columns and a line a candidate, the best first by the mean of the primary metric over its folds."""
    metrics = list(dict.fromkeys((primary, *LEADERBOARD_METRICS)))
    columns = ["Candidate", "Estimator", *(metric.label for metric in metrics), "Features", "Seconds", "Remark"]
    lines = []
    for trial in rank_trials(trials, primary):
        means = [average_folds(trial, metric) for metric in metrics]
        values = ["–" if value is None else write_value(value) for value in means]
        seconds, n_features = f"{trial['seconds']:.1f}", str(len(trial["features"]))
        lines.append([trial["candidate"], trial["estimator"], *values, n_features, seconds, trial["error"] or ""])
    return columns, lines


def write_leaderboard(trials: Sequence[Mapping[str, Any]], primary: Metric) -> str:
    """Give the leaderboard as CSV, a line a candidate and fold."""
    names = list(dict.fromkeys(name for trial in trials for fold in trial["folds"] for name in fold))
    lines = [
        [trial["candidate"], trial["estimator"], str(i + 1), *(write_number(fold.get(name)) for name in names)]
        for trial in rank_trials(trials, primary)
        for i, fold in enumerate(trial["folds"])
    ]
    return write_csv(["candidate", "estimator", "fold", *names], lines)


def tell_waiting(run: TrainingRun, trouble: str, now: datetime) -> str:
    """Say how long a run has been waiting, and what keeps it."""
    since = write_age(now - run.recorded_at)
    return f"{trouble} It has waited for {since}." if trouble else "Its worker starts, which takes some seconds."
