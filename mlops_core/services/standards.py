"""The champion against what was asked of it; apart from what counts, since a first page needs the answer alone."""

from datetime import datetime

from mlops_core.checks.performance import check_standard
from mlops_core.entities import Deployment, ModelSpec, Verdict
from mlops_core.services.performance import Arrival, estimate_champion
from mlops_core.services.runtime import Runtime


def check_standards(
    runtime: Runtime, spec: ModelSpec, champion: Deployment, arrival: Arrival, now: datetime
) -> list[Verdict]:
    """Judge the champion's newest labelled chunks against every standard; nothing without labels."""
    verdicts = []
    for standard in spec.standards:
        labelled, estimates = estimate_champion(runtime, spec, champion, arrival, standard.window_days)
        if labelled is None:
            continue
        verdicts.append(
            check_standard(
                standard,
                estimates[standard.metric],
                model=spec.name,
                version=champion.version,
                n=int(labelled.counts.n.sum()),
                n_labelled=int(labelled.counts.n_labelled.sum()),
                chunks=labelled.chunks,
                now=now,
            )
        )
    return verdicts
