"""The pipeline as a durable workflow: decides what each step needs, what it gives, and when a run has failed.

What only the owner of the database can do is asked of it: the workflow leaves a numbered question and waits for the
answer, so both may be killed and started again in between.
"""

from collections.abc import Callable
from typing import Any

from dbos import DBOS

from mlops_core.artifacts import explain_failed_write
from mlops_core.config import Home
from mlops_core.errors import CancelledError, MLOpsError
from mlops_core.frozen_rows import locate_rows
from mlops_core.run_folder import LogLine, append_line, fold_log, make_folder, read_log
from mlops_core.runs import Step, StepStatus
from mlops_core.services.run_records import QUESTION
from mlops_core.wall_clock import read_wall_clock
from mlops_core.worker.bench import Bench

WAIT_S = 3600.0
MOST_RECOVERIES = 20
"""Times that a run is taken up again after its worker ended, before it has failed."""
KEPT = ("snapshot", "origin", "n_logged", "n_labelled")
"""What is kept of the rows that were frozen."""
OVER = (StepStatus.DONE, StepStatus.SKIPPED)
"""How a step stands that is kept for good: it is told after that was written."""
Document = dict[str, Any]


class StepFailedError(Exception):
    """A step could not be done; the run has failed."""


class Pipeline:
    """The steps of one run.

    Parameters
    ----------
    home : Home
        Where snapshots and artifacts lie.
    order : dict
        What the owner wrote for the run: see `services/run_orders.py`.
    """

    def __init__(self, home: Home, order: Document) -> None:
        self._home, self._order = home, order
        self._folder = home.runs / order["workflow"]
        self._asked = 0
        self._over: set[Step] = set()
        self._report: Document = {}
        self._bench = Bench(
            time_limit_s=order["time_limit_s"],
            memory_limit_bytes=order["memory_limit_bytes"],
            is_cancelled=self._is_cancelled,
            models=home.path / "models",
        )

    def run(self) -> Document:
        """Carry out all steps, and give what came of them; a step that fails ends the run."""
        try:
            make_folder(self._folder)
            self._over = {state.step for state in fold_log(read_log(self._folder)) if state.status in OVER}
            return self._run()
        except StepFailedError as error:
            return {"failed": str(error), "report": self._report}
        except OSError as error:
            return {"failed": explain_failed_write(self._folder, error).message, "report": self._report}
        finally:
            self._bench.close()

    def _run(self) -> Document:
        plan, frozen = self._collect()
        rows = str(locate_rows(self._home.snapshots, frozen["snapshot"]["id"]))
        self._report |= {name: frozen[name] for name in KEPT} | {"code_id": plan["code_id"]}
        self._report["findings"] = self._validate(plan, frozen, rows)["findings"]
        self._work(Step.TRANSFORM, "transform", {"rows": rows, "features": plan["features"]}, tell_transformed)
        self._train(plan, self._report.setdefault("leaderboard", []))
        task = {"trials": self._report["leaderboard"], "metric": self._order["metric"]}
        best = self._report["best"] = self._work(Step.EVALUATE, "evaluate", task, tell_best)
        package = self._work(Step.PACKAGE, "pack", {"candidate": best["best"]}, tell_packed)
        self._report["package"] = package
        registered = self._ask(Step.REGISTER, "register", self._report)
        gate = self._ask(Step.GATE, "gate", {"version": registered["version"], "report": self._report})
        promoted = self._ask(Step.PROMOTE, "promote", {"version": registered["version"], "passed": gate["passed"]})
        return {"version": registered["version"], "gate": gate, "report": self._report} | promoted

    def _collect(self) -> tuple[Document, Document]:
        """Ask for the candidates, then for the rows: of the owner, or of the entry point."""
        order = self._order
        plan = self._work(Step.COLLECT, "plan", {"candidates": order["candidates"]}, None)
        brings = plan["brings_rows"] and not order["snapshot"]
        wanted = {"features": plan["features"], "logged": not brings}
        frozen = self._ask(Step.COLLECT, "freeze", wanted, ends_step=not brings)
        if brings:
            task = {"start": order["start"], "end": order["end"], "labels_until": order["labels_until"]}
            frozen |= self._work(Step.COLLECT, "bring", task | self._place("snapshots"), None)
            frozen["origin"] = f"load_rows of {order['entry_point']}"
            self._ask(Step.COLLECT, "keep", {name: frozen[name] for name in KEPT})
        return plan, frozen

    def _validate(self, plan: Document, frozen: Document, rows: str) -> Document:
        before = frozen["before"]
        task = {
            "rows": rows,
            "features": plan["features"],
            "contract": frozen["contract"],
            "served_nulls": frozen["served_nulls"],
            "before": str(locate_rows(self._home.snapshots, before)) if before else None,
            "n_logged": frozen["n_logged"],
            "n_labelled": frozen["n_labelled"],
        }
        return self._work(Step.VALIDATE, "examine", task, tell_examined)

    def _train(self, plan: Document, trials: list[Document]) -> None:
        """Try one candidate after the other, each durable by itself."""
        names = plan["candidates"]
        for i, name in enumerate(names):
            tell = tell_trained(trials, len(names)) if i == len(names) - 1 else None
            trials.append(self._work(Step.TRAIN, "try", {"candidate": name}, tell, share=(i, len(names))))

    def _place(self, name: str) -> Document:
        return {name: str(getattr(self._home, name))}

    def _work(
        self,
        step: Step,
        name: str,
        task: Document,
        tell: Callable[[Document], str] | None,
        share: tuple[int, int] = (0, 1),
    ) -> Document:
        """Let the child carry out a task as one durable step.

        Parameters
        ----------
        tell : callable, optional
            Gives the words for what came of it; the step of the run goes on when None.
        share : tuple of int
            Which part of the step it is, and of how many.
        """
        common = ("entry_point", "features", "numeric", "categorical", "folds", "threshold", "seed")
        asked = {key: self._order[key] for key in common} | self._place("artifacts")
        asked |= {"task": name, "folder": str(self._folder)} | task
        answer = DBOS.run_step({"name": f"{step.value}: {name}"}, self._carry_out, step, asked, share)
        if "failed" in answer:
            raise StepFailedError(answer["failed"])
        if tell:
            self._note(step, StepStatus.DONE, None, tell(answer))
        return answer

    def _carry_out(self, step: Step, task: Document, share: tuple[int, int]) -> Document:
        done, parts = share

        def tell(fraction: float | None, words: str) -> None:
            self._note(step, StepStatus.RUNNING, None if fraction is None else (done + fraction) / parts, words)

        try:
            tell(0.0, "")
            return self._bench.ask(task, tell)
        except CancelledError:
            self._note(step, StepStatus.FAILED, None, "Cancelled")
            return {"failed": "cancelled"}
        except (MLOpsError, OSError) as error:
            words = error.message if isinstance(error, MLOpsError) else f"{type(error).__name__}: {error}"
            self._note(step, StepStatus.FAILED, None, words)
            return {"failed": words}

    def _ask(self, step: Step, what: str, document: Document, *, ends_step: bool = True) -> Document:
        """Ask the owner of the database, and wait for as long as it takes."""
        self._asked += 1
        self._note(step, StepStatus.RUNNING, None, "")
        DBOS.set_event(QUESTION, {"number": self._asked, "what": what, "with": document})
        answer = None
        while answer is None:
            answer = DBOS.recv(f"answer {self._asked}", timeout_seconds=WAIT_S)
        given: Document = answer
        if "failed" in given:
            self._note(step, StepStatus.FAILED, None, given["failed"])
            raise StepFailedError(given["failed"])
        if ends_step:
            status = StepStatus.SKIPPED if given.get("skipped") else StepStatus.DONE
            self._note(step, status, None, given.get("words", ""))
        return given

    def _note(self, step: Step, status: StepStatus, fraction: float | None, words: str) -> None:
        """Tell where a step stands, unless it was over when the run was taken up again: it is not done twice."""
        if step in self._over:
            return
        line = LogLine(at=read_wall_clock(), step=step, status=status, fraction=fraction, words=words)
        append_line(self._folder, line)

    def _is_cancelled(self) -> bool:
        return str(DBOS.retrieve_workflow(self._order["workflow"]).get_status().status) == "CANCELLED"


def tell_examined(answer: Document) -> str:
    """Say what the look at the rows has found."""
    suspects = sum(1 for finding in answer["findings"] if finding["check"].startswith("leakage."))
    others = len(answer["findings"]) - suspects
    parts = [f"{answer['rows']:,} rows, {answer['positives']:,} with label 1"]
    parts += [f"{suspects} suspicion{'s' * (suspects != 1)} of leakage"] if suspects else []
    parts += [f"{others} remark{'s' * (others != 1)}"] if others else []
    return ", ".join(parts)


def tell_transformed(answer: Document) -> str:
    """Say how many rows are ready."""
    repeated = f", {answer['repeated']:,} repeated left out" if answer["repeated"] else ""
    return f"{answer['rows']:,} rows in the order of time, {answer['held_out']:,} held out{repeated}"


def tell_trained(before: list[Document], n: int) -> Callable[[Document], str]:
    """Give what says how many candidates could be tried."""

    def tell(answer: Document) -> str:
        failed = sum(1 for trial in [*before, answer] if trial["error"])
        return f"{n - failed} of {n} candidates tried" + (f", {failed} failed" if failed else "")

    return tell


def tell_best(answer: Document) -> str:
    """Say which candidate is the best."""
    return f"{answer['best']}, fitted on {answer['rows_fitted']:,} rows, measured on {answer['rows_held_out']:,}"


def tell_packed(answer: Document) -> str:
    """Say how large and how quick the artifact is."""
    size = answer["artifact_bytes"] / 1e6
    return f"{answer['artifact_hash'][:12]}…, {size:.1f} MB, {answer['one_row_ms']:.1f} ms a row"
