"""A worker that has a run on record which it does not work on ends, so that the next one takes the run up."""

import sqlite3
import subprocess
import sys

import pytest
from dbos import DBOSClient, DBOSPortableJSONSerializer

from mlops_core.config import PROJECT, Home
from mlops_core.errors import MLOpsError
from mlops_core.services.run_records import PIPELINE_VERSION, WORKFLOW


def leave_behind(home: Home, workflow: str) -> None:
    """Leave a run as one whose worker could not write down how it ended: begun, and nobody's."""
    client = DBOSClient(
        system_database_url=f"sqlite:///{home.run_records}",
        serializer=DBOSPortableJSONSerializer(),
        application_name="driftdeck",
    )
    asked = {"workflow_name": WORKFLOW, "queue_name": "nobody's", "workflow_id": workflow}
    client.enqueue(asked | {"app_version": PIPELINE_VERSION}, {"workflow": workflow})
    client.destroy()
    records = sqlite3.connect(home.run_records)
    with records:
        begun = "update workflow_status set status = 'PENDING', executor_id = 'app' where workflow_uuid = ?"
        assert records.execute(begun, (workflow,)).rowcount == 1
    records.close()


@pytest.mark.soak
def test_worker_ends_when_a_run_is_left_behind(tmp_path):
    home = Home(tmp_path)
    command = [sys.executable, "-m", "mlops_core.worker", "--home", str(home.path), "--ready", "1"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout.readline() == "ready\n"
            leave_behind(home, "w")
            _, errors = worker.communicate(timeout=120)
        finally:
            worker.kill()
    assert worker.returncode == MLOpsError.exit_code
    assert "The runs ['w'] were left behind." in errors
