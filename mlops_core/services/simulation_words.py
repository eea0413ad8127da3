"""What a simulation says: decides how runs, cost, gain, and rollbacks are told, and that what is unknown is said."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from mlops_core.entities import ModelSpec
from mlops_core.services.simulated_rollback import SimulatedRollback
from mlops_core.services.simulation import Gain, SimulatedDecision, Simulation
from mlops_core.words import write_difference, write_span


def describe_simulation(spec: ModelSpec, simulation: Simulation) -> list[str]:
    """Say what a policy would have done, what that would have cost, and what of its gain is known, in sentences."""
    if simulation.start >= simulation.end:
        return ["There is no past to try the policy on yet: no labels, no verdicts, and nothing in production."]
    return [*_tell_runs(spec, simulation), *_tell_rollbacks(simulation)]


def _tell_runs(spec: ModelSpec, simulation: Simulation) -> list[str]:
    if not simulation.policy.has_triggers:
        return ["Without a trigger no run would have been started."]
    runs, holds = len(simulation.runs), len(simulation.holds)
    span = f"From {_write_day(simulation.start)} to {_write_day(simulation.end)}"
    held = f" {_count(holds, 'hold')} would have been told." if holds else ""
    told = [f"{span} this policy would have started {_count(runs, 'run')}.{held}"]
    if not runs:
        return told
    return [*told, _tell_cost(simulation), *_tell_gains(spec, simulation)]


def tell_gain(spec: ModelSpec, made: SimulatedDecision) -> str:
    """Say what is known of the gain of one decision."""
    if made.run is None:
        return ""
    if made.gain is None:
        return "unknown"
    compared = made.gain.comparison
    span = write_span(compared.start, compared.end, spec.timezone)
    return (
        f"{made.gain.version} was trained on the same labels: {spec.primary_metric.label} "
        f"{_write_ends(made.gain)} against {made.champion} on {compared.paired.n:,} {spec.words.rows}, {span}"
    )


def list_decisions(spec: ModelSpec, simulation: Simulation) -> list[tuple[datetime, str, str, str]]:
    """Give a line a decision, oldest first: when, what, why, and what a run would have gained or came in fact."""
    lines = [
        (made.at, f"run {made.run}" if made.run else "held", made.answer.words, tell_gain(spec, made) or "–")
        for made in simulation.decisions
    ]
    for made in simulation.rollbacks:
        what = f"rolled back to {made.to}" if made.to else "rollback held"
        came = "unknown" if made.is_unknown else f"in fact {tell_followed(made)}" if made.is_done else "–"
        lines.append((made.at, what, made.answer.words, came))
    return sorted(lines, key=lambda line: line[0])


def _tell_cost(simulation: Simulation) -> str:
    if simulation.run_time is None or simulation.cost is None:
        return "What they would have cost is unknown: no run has come to the gate yet."
    n = simulation.n_measured
    basis = f"the middle of the {n:,} that came to the gate" if n > 1 else "as the one that came to the gate did"
    return f"A run takes {_write_length(simulation.run_time)}, {basis}: {_write_length(simulation.cost)} in all."


def _tell_gains(spec: ModelSpec, simulation: Simulation) -> list[str]:
    known = [made for made in simulation.runs if made.gain]
    unknown = len(simulation.runs) - len(known)
    told = [f"Run {made.run}: {tell_gain(spec, made)}." for made in known]
    if unknown:
        which = "What it" if unknown == 1 and not known else f"What {unknown:,} of them" if known else "What they"
        told.append(
            f"{which} would have gained is unknown: no version that was trained on the same labels was compared with "
            "the one in production."
        )
    return told


def tell_followed(made: SimulatedRollback) -> str:
    """Say what came in fact after the time at which production would have been rolled back."""
    change, followed = made.answer.change, made.followed
    if followed is None:
        return f"{change.version} is still in production"
    what = (
        "the rollback came" if followed.version == change.previous else f"{followed.version} replaced {change.version}"
    )
    return f"{what} on {_write_day(followed.at)}"


def _tell_rollbacks(simulation: Simulation) -> list[str]:
    if not simulation.policy.rolls_back:
        return []
    if not simulation.rollbacks:
        return ["No alert on a standard would have asked for a rollback."]
    done = [made for made in simulation.rollbacks if made.is_done]
    holds = len(simulation.rollbacks) - len(done)
    told = [_tell_rollback(made, simulation.rollbacks) for made in done] or ["Nothing would have been rolled back."]
    told += [f"{_count(holds, 'hold')} of a rollback would have been told."] if holds else []
    decided = {made.answer.change.id for made in done}
    unknown = {one.answer.change.id: one for one in simulation.rollbacks if one.is_unknown}
    for number, made in unknown.items():
        if number not in decided:
            change = made.answer.change
            told.append(
                f"On {_write_day(made.at)} a rollback from {change.version} to {change.previous} was asked for; what "
                "would have come of it is unknown, since no check compared the two on the labels of that time."
            )
    return told


def _tell_rollback(made: SimulatedRollback, all_: Sequence[SimulatedRollback]) -> str:
    change = made.answer.change
    told = (
        f"On {_write_day(made.at)} production would have been rolled back from {change.version} to {change.previous}; "
        f"in fact {tell_followed(made)}."
    )
    earlier = next((one for one in all_ if one.is_unknown and one.answer.change.id == change.id), None)
    if earlier is None or earlier.at >= made.at:
        return told
    return f"{told} It may have come from {_write_day(earlier.at)} on: until then no check had compared the two."


def _write_ends(gain: Gain) -> str:
    """Write a gain with its interval; positive is better."""
    if gain.ends is None:
        return "unknown"
    value, low, high = (write_difference(end, 3) for end in gain.ends)
    return f"{value} [{low}, {high}]"


def _write_length(length: timedelta) -> str:
    seconds = length.total_seconds()
    for unit, size in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}s"
    return f"{seconds:.0f} seconds" if seconds >= 1.5 else "about a second"


def _write_day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'s' * (n != 1)}"
