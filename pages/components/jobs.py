"""What works in the background: decides that a failure of it is seen."""

import re

import streamlit as st

from mlops_core.entities import ModelSpec
from mlops_core.policy_records import PolicyDecision
from mlops_core.runs import TrainingRun
from mlops_core.services.policy_trouble import tell_trouble
from mlops_core.services.run_attention import needs_attention, tell_failed_run
from mlops_core.services.runtime import Runtime
from mlops_core.services.schedule import tell_failure


def show_failing_jobs(runtime: Runtime, spec: ModelSpec) -> None:
    """Say which jobs of a model fail and why, and that runs cannot go on; nothing while all is well."""
    for state in runtime.schedule.list_failing(spec.name):
        st.warning(tell_failure(state), icon=":material/sync_problem:")
    if runtime.training.problem:
        words = f"Training runs wait: {runtime.training.problem} They go on by themselves once that is mended."
        st.warning(_escape(words), icon=":material/sync_problem:")


def show_failed_run(run: TrainingRun | None) -> None:
    """Say that the newest training run failed and why; nothing when it did not."""
    if run and needs_attention(run):
        words = f"{tell_failed_run(run)} Production is as it was."
        st.warning(_escape(words), icon=":material/model_training:")


def show_policy_trouble(made: PolicyDecision | None) -> None:
    """Say what the policy could not carry out and why; nothing while there is no such thing."""
    if made:
        st.warning(_escape(tell_trouble(made)), icon=":material/sync_problem:")


def _escape(words: str) -> str:
    """Keep Markdown from signs that model code or a database has said."""
    return re.sub(r"([\\`*_\[\]$<>:~])", r"\\\1", words)
