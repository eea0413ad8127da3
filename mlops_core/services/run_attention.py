"""The newest training run in words: decides when a failure of it needs attention, and how that is said."""

from mlops_core.entities import ModelSpec
from mlops_core.runs import RunStatus, StepStatus, TrainingRun
from mlops_core.services.runtime import Runtime
from mlops_core.store.runs import list_runs


def find_newest_run(runtime: Runtime, spec: ModelSpec) -> TrainingRun | None:
    """Give the newest run of a model; None when there is none."""
    return next(iter(list_runs(runtime.database, spec.name, limit=1, with_reports=False)), None)


def needs_attention(run: TrainingRun | None) -> bool:
    """Say whether somebody should look at a run: it has failed, and no other was ordered since."""
    return run is not None and run.status is RunStatus.FAILED


def tell_failed_run(run: TrainingRun) -> str:
    """Say that a run failed, where, and why: "Training run 3 failed at the step train: …"."""
    failed = next((step.step for step in run.steps if step.status is StepStatus.FAILED), None)
    where = f" at the step {failed}" if failed else ""
    return f"Training run {run.id} failed{where}: {run.reason}"
