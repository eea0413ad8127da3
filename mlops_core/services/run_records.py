"""What the worker keeps of runs: decides how the owner orders, asks about, answers, and cancels them.

Imports the durable-workflow library, which takes most of a second; so it is imported when there is a run.
"""

import logging
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from dbos import DBOSClient, DBOSPortableJSONSerializer

from mlops_core.config import Home, locate_run_records

QUEUE, WORKFLOW, QUESTION = "training", "retrain", "question"
PIPELINE_VERSION = "1"
"""Changes when runs of before could not go on with the steps of now."""
OPEN = ["PENDING", "ENQUEUED", "DELAYED"]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a run stands with the worker."""

    result: Document | None
    """What came of it; None while it is not over."""
    failure: str | None
    """Why it ended without a result."""


class RunRecords:
    """The records that the worker and the owner share."""

    def __init__(self, home: Home) -> None:
        logging.getLogger("dbos").setLevel(logging.WARNING)
        self._client = DBOSClient(
            system_database_url=locate_run_records(home),
            serializer=DBOSPortableJSONSerializer(),
            application_name="driftdeck",
        )

    def order(self, workflow: str, order: Document) -> None:
        """Order a run; nothing happens when the worker has it already."""
        self._client.enqueue(
            {
                "workflow_name": WORKFLOW,
                "queue_name": QUEUE,
                "workflow_id": workflow,
                "app_version": PIPELINE_VERSION,
            },
            order,
        )

    def find(self, workflow: str) -> Standing | None:
        """Say where a run stands; None when the worker does not know it."""
        found = self._client.list_workflows(workflow_ids=[workflow])
        if not found:
            return None
        status, failure = found[0], None
        if status.status in ("ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"):
            failure = f"The worker could not go on with it: {status.error or status.status}."
        elif status.status == "CANCELLED":
            failure = "The worker has cancelled it."
        return Standing(result=status.output if status.status == "SUCCESS" else None, failure=failure)

    def read_question(self, workflow: str) -> Document | None:
        """Give what a run asks for; None while it has asked nothing."""
        question: Document | None = self._client.get_event(workflow, QUESTION, timeout_seconds=0)
        return question

    def answer(self, workflow: str, number: int, answer: Document) -> None:
        """Answer a question; a second answer to it is not heard."""
        self._client.send(workflow, answer, topic=f"answer {number}", idempotency_key=f"{workflow} {number}")

    def cancel_all_but(self, wanted: Set[str]) -> None:
        """Cancel the runs that the worker has and that are over for the owner."""
        for status in self._client.list_workflows(status=OPEN, load_input=False, load_output=False):
            if status.workflow_id not in wanted:
                self._client.cancel_workflow(status.workflow_id)

    def close(self) -> None:
        """Let go of the records."""
        self._client.destroy()
