"""What works in the background: decides that a failure of it is seen on every page."""

import streamlit as st

from mlops_core.entities import ModelSpec
from mlops_core.services.runtime import Runtime
from mlops_core.services.schedule import tell_failure


def show_failing_jobs(runtime: Runtime, spec: ModelSpec) -> None:
    """Say which jobs of a model fail, why, and when they are tried again; nothing while all is well."""
    for state in runtime.schedule.list_failing(spec.name):
        st.warning(tell_failure(state), icon=":material/sync_problem:")
