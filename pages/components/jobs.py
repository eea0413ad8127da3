"""What works in the background: decides that a failure of it is seen."""

import re

import streamlit as st

from mlops_core.entities import ModelSpec
from mlops_core.runs import TrainingRun
from mlops_core.services.run_attention import needs_attention, tell_failed_run
from mlops_core.services.runtime import Runtime
from mlops_core.services.schedule import tell_failure


def show_failing_jobs(runtime: Runtime, spec: ModelSpec) -> None:
    """Say which jobs of a model fail, why, and when they are tried again; nothing while all is well."""
    for state in runtime.schedule.list_failing(spec.name):
        st.warning(tell_failure(state), icon=":material/sync_problem:")


def show_failed_run(run: TrainingRun | None) -> None:
    """Say that the newest training run failed and why; nothing when it did not."""
    if run and needs_attention(run):
        words = f"{tell_failed_run(run)} Production is as it was."
        # What model code raises may hold signs that Markdown takes for its own.
        st.warning(re.sub(r"([\\`*_\[\]$<>:~])", r"\\\1", words), icon=":material/model_training:")
