"""The demo's challenger: decides when it comes, and that it gives way to another one."""

import logging
from datetime import UTC, datetime

from mlops_core.demo.trainer import RELEASES, receive_trained, start_trainer
from mlops_core.entities import ModelSpec
from mlops_core.errors import MLOpsError
from mlops_core.services.challengers import make_challenger
from mlops_core.services.registry import register_version
from mlops_core.services.runtime import Runtime
from mlops_core.store.challengers import get_challenger
from mlops_core.store.models import list_versions

RIVAL = "autumn"
COMES_AT = datetime(2013, 11, 11, 6, tzinfo=UTC)
"""With a label file, after which nobody lacks a label of October."""

_log = logging.getLogger(__name__)


def bring_rival(runtime: Runtime, spec: ModelSpec, start: datetime, moment: datetime) -> None:
    """Train, register, and try the challenger when its time lies in (start, moment], unless there is one by then.

    Where it cannot be trained, the log says so, and the demo goes on without it.
    """
    is_known = any(version.name == RIVAL for version in list_versions(runtime.database, spec.name))
    if not start < COMES_AT <= moment or is_known or get_challenger(runtime.database, spec.name):
        return
    try:
        with start_trainer("train_rival", RIVAL) as trainer:
            trained = receive_trained(trainer, RIVAL)
        register_version(runtime, spec, trained, actor=RELEASES, now=moment)
        loss = trained.offline_metrics["log_loss"]
        reason = f"Offline log loss {loss:.3f}; tried in the shadow before anybody relies on that"
        make_challenger(runtime, spec, RIVAL, actor=RELEASES, reason=reason, now=moment)
    except MLOpsError as error:
        _log.warning("The demo goes on without its challenger: %s", error.message)
