"""The challenger in words: decides what is said of it, from its first row to its comparison with the champion."""

from mlops_core.entities import ModelSpec
from mlops_core.services.comparison_report import describe_comparison
from mlops_core.services.runtime import Runtime
from mlops_core.services.shadow import Shadow, read_shadow
from mlops_core.services.side_words import tell_pair
from mlops_core.stats.judgement import Judgement
from mlops_core.words import write_share, write_span

NOBODY = "No version is tried on live traffic."


def tell_shadow(spec: ModelSpec, shadow: Shadow) -> str:
    """Say in a sentence how the challenger does beside the version in production."""
    name, champion = shadow.challenge.version, shadow.champion
    if champion is None:
        return f"{name} waits: nothing is in production that it could be compared with."
    if shadow.comparison:
        return tell_pair(shadow.comparison, spec)
    if not shadow.counts.n_logged:
        return f"{name} scores in the shadow of {champion} from the next {spec.words.row} on."
    return f"{name} scores in the shadow of {champion}; there is no verdict yet."


def tell_scored(spec: ModelSpec, shadow: Shadow) -> str:
    """Say how much the challenger has scored, how far it is behind, how often it differs, and what it lacks."""
    counts, name = shadow.counts, shadow.challenge.version
    told = []
    if counts.n_scored:
        told.append(
            f"Since {shadow.start:%d %b %Y %H:%M} UTC it has scored {counts.n_scored:,} live {spec.words.rows}; on "
            f"{write_share(counts.n_flipped / counts.n_scored)} it would have decided otherwise. None was served."
        )
    n_behind = counts.n_logged - counts.n_scored
    if n_behind:
        told.append(f"{n_behind:,} {spec.words.rows} wait to be scored.")
    if shadow.comparison is None and shadow.remark and counts.n_logged:
        told.append(f"It cannot be compared yet: {shadow.remark[:1].lower()}{shadow.remark[1:]}")
    elif shadow.comparison:
        span = write_span(shadow.comparison.start, shadow.comparison.end, spec.timezone)
        told.append(f"The labels of {span} are in.")
    if not told:
        told.append(f"Nothing that {name} says is served.")
    return " ".join(told)


def judge_shadow(spec: ModelSpec, shadow: Shadow) -> Judgement:
    """Give the judgement by the primary metric; undecided without labels."""
    if shadow.comparison is None:
        return Judgement.UNDECIDED
    return shadow.comparison.paired.get_difference(spec.primary_metric).judgement


def report_shadow(runtime: Runtime, spec: ModelSpec) -> dict[str, object]:
    """Give the document of a model's challenger; all but the model and the sentence is null while there is none."""
    shadow = read_shadow(runtime, spec)
    challenge, counts = (shadow.challenge, shadow.counts) if shadow else (None, None)
    return {
        "model": spec.name,
        "challenger": challenge.version if challenge else None,
        "champion": shadow.champion if shadow else None,
        "since": challenge.since if challenge else None,
        "actor": challenge.actor.name if challenge else None,
        "channel": challenge.actor.channel if challenge else None,
        "reason": challenge.reason if challenge else None,
        "start": shadow.start if shadow else None,
        "n_logged": counts.n_logged if counts else None,
        "n_scored": counts.n_scored if counts else None,
        "n_flipped": counts.n_flipped if counts else None,
        "looked_at": shadow.looked_at if shadow else None,
        "sentence": tell_shadow(spec, shadow) if shadow else NOBODY,
        "detail": tell_scored(spec, shadow) if shadow else None,
        "comparison": describe_comparison(shadow.comparison) if shadow and shadow.comparison else None,
    }
