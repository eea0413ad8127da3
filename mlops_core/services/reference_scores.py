"""What a version's score is worth: decides which labelled rows tell it, and that they are scored once."""

import logging
from datetime import datetime

import numpy as np

from mlops_core.entities import ModelSpec, Version
from mlops_core.errors import MLOpsError
from mlops_core.services.joint_counts import is_counted, keep_joint_counts
from mlops_core.services.labelled_rows import LabelledRows, fetch_window, score_snapshot
from mlops_core.services.references import find_window
from mlops_core.services.runtime import Runtime
from mlops_core.stats.counts import count_scores, merge_counts, stack_counts
from mlops_core.store.binnings import get_binning
from mlops_core.store.deployments import get_champion
from mlops_core.store.models import list_versions
from mlops_core.store.profiles import read_coverage, read_score_profiles
from mlops_core.store.reference_scores import (
    ReferenceOrigin,
    ReferenceScores,
    find_reference_scores,
    store_reference_scores,
)

_log = logging.getLogger(__name__)


def read_reference_scores(runtime: Runtime, spec: ModelSpec, version: Version) -> ReferenceScores | None:
    """Give what is known of a version's score: from the model's reference window, else from its training rows.

    None while neither has labelled rows of both classes.
    """
    scores = _find_counted(runtime, spec, version)
    return scores if scores and scores.negative.any() and scores.positive.any() else None


def ensure_reference_scores(runtime: Runtime, spec: ModelSpec, now: datetime) -> str:
    """Score the training rows of each version that answered live traffic and has no reference scores yet.

    The rows that tell what the champion's score is worth are counted over its features as well. A version that cannot
    be scored is left out, which the log says; it is tried again the next time.

    Returns
    -------
    str
        Why the champion cannot be scored; empty when it can.
    """
    fault = ""
    served = {row.version for row in read_coverage(runtime.database, spec.name)}
    champion = get_champion(runtime.database, spec.name)
    for version in list_versions(runtime.database, spec.name):
        if version.name not in served:
            continue
        is_champion = champion is not None and champion.version == version.name
        try:
            _ensure_counted(runtime, spec, version, now, is_champion=is_champion)
        except MLOpsError as error:
            _log.warning("%s %s has no estimates: %s", spec.name, version.name, error.message)
            fault = error.message if is_champion else fault
    return fault


def count_reference_scores(runtime: Runtime, spec: ModelSpec, version: Version, now: datetime) -> None:
    """Count what a version's score is worth, as if it were in production, unless that is known.

    Raises
    ------
    MLOpsError
        When its training rows cannot be read or scored.
    """
    _ensure_counted(runtime, spec, version, now, is_champion=True)


def _ensure_counted(runtime: Runtime, spec: ModelSpec, version: Version, now: datetime, *, is_champion: bool) -> None:
    """Count what is missing; rows are scored once for all of it."""
    in_window = _count_window(runtime, spec, version.name)
    scored: LabelledRows | None = None
    if in_window is None and find_reference_scores(runtime.database, spec, version) is None:
        scored = score_snapshot(runtime, version)
        store_reference_scores(runtime.database, version, _count_rows(spec, scored), now)
    binning = get_binning(runtime.database, spec.name) if is_champion else None
    if binning is None:
        return
    if in_window is None:
        if not is_counted(runtime, spec, version, binning.id):
            keep_joint_counts(runtime, spec, version, binning, scored or score_snapshot(runtime, version), now)
        return
    window = find_window(runtime, spec)
    assert window is not None
    if is_counted(runtime, spec, version, binning.id, window, in_window.n_available):
        return
    labelled = fetch_window(runtime, spec, version, window, in_window.n_available)
    if labelled:
        keep_joint_counts(runtime, spec, version, binning, labelled, now, window)


def _find_counted(runtime: Runtime, spec: ModelSpec, version: Version) -> ReferenceScores | None:
    return _count_window(runtime, spec, version.name) or find_reference_scores(runtime.database, spec, version)


def _count_window(runtime: Runtime, spec: ModelSpec, version: str) -> ReferenceScores | None:
    """Give the version's labelled traffic of the reference window, live and replayed; None without any."""
    window = find_window(runtime, spec)
    if window is None:
        return None
    profiles = read_score_profiles(runtime.database, spec, window)
    own = [profile.counts for profile in profiles if profile.version == version]
    if not own:
        return None
    counts = merge_counts(stack_counts(own))
    n_labelled = int(counts.n_labelled[0])
    if n_labelled == 0:
        return None
    return ReferenceScores(
        origin=ReferenceOrigin.WINDOW,
        threshold=spec.threshold,
        negative=counts.negative[0],
        positive=counts.positive[0],
        n_available=n_labelled,
    )


def _count_rows(spec: ModelSpec, labelled: LabelledRows) -> ReferenceScores:
    counts = count_scores(labelled.scores, labelled.labels, np.zeros(labelled.labels.size, np.int64), 1, spec.threshold)
    return ReferenceScores(
        origin=labelled.origin,
        threshold=spec.threshold,
        negative=counts.negative[0],
        positive=counts.positive[0],
        n_available=labelled.n_available,
    )
