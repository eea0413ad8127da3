"""The doctor: decides in which order things are checked and how it is told."""

from argparse import Namespace
from urllib.parse import urlsplit

from mlops_core.api.answers import to_plain
from mlops_core.cli.connection import Connection, connect
from mlops_core.cli.outcome import Outcome
from mlops_core.cli.reports import locate_home
from mlops_core.config import Home
from mlops_core.errors import MLOpsError
from mlops_core.services.health import (
    Finding,
    examine_artifacts,
    examine_disk,
    examine_home,
    examine_jobs,
    examine_packages,
    examine_policies,
    examine_port,
    examine_python,
    examine_run_records,
    examine_snapshots,
    examine_token,
    examine_training,
)


def run_doctor(options: Namespace) -> Outcome:
    """Check everything and say what to do about what is wrong."""
    home = locate_home(options)
    findings = [examine_python(), examine_packages(), examine_home(home)]
    url = None
    if findings[-1].passed:
        findings += [examine_token(home), examine_disk(home)]
        stored, url = _examine_store(home)
        findings += [*stored, examine_run_records(home)]
    findings.append(examine_port(options.host, options.port, urlsplit(url).port if url else None))
    problems = sum(not finding.passed for finding in findings)
    lines = [_write(finding) for finding in findings]
    ending = f"{problems} of {len(findings)} checks found a problem." if problems else "Everything is in order."
    document = {"ok": not problems, "checks": to_plain(findings)}
    return Outcome(document=document, text="\n".join([*lines, "", ending]), exit_code=1 if problems else 0)


def _examine_store(home: Home) -> tuple[list[Finding], str | None]:
    """Ask the store through the API; give also the address of the running app."""
    try:
        with connect(home) as connection:
            health = connection.get("/health")
            versions, snapshots = (_list_all(connection, kind) for kind in ("versions", "snapshots"))
            audit = connection.get("/audit/verify")
            url = connection.url
    except MLOpsError as error:
        return [Finding(name="Database", passed=False, detail=error.message, remedy="see the message")], None
    opened = f"the app at {url} has it open and answers" if url else "it opens"
    size = f"{health['database_bytes'] / 1e6:.1f} MB"
    detail = f"{opened}; schema {health['schema']}, models: {health['models']}, {size}"
    chain = f"{audit['lines']:,} lines" if audit["intact"] else f"line {audit['broken_line']} was changed"
    remedy = None if audit["intact"] else "compare with a backup to see what was changed"
    return [
        Finding(name="Database", passed=True, detail=detail),
        Finding(name="Audit log", passed=audit["intact"], detail=chain, remedy=remedy),
        examine_jobs(health["jobs"]),
        examine_training(health["training"]),
        examine_policies(health["policies"]),
        examine_artifacts(home, versions),
        examine_snapshots(home, snapshots),
    ], url


def _list_all(connection: Connection, kind: str) -> list[dict[str, object]]:
    """Give the versions, or the snapshots, of all models."""
    return [
        {"model": model["name"], **entry}
        for model in connection.get("/models")["models"]
        for entry in connection.get(f"/models/{model['name']}/{kind}")[kind]
    ]


def _write(finding: Finding) -> str:
    line = f"{'OK     ' if finding.passed else 'PROBLEM'}  {finding.name + ':':<11} {finding.detail}"
    # What errors say is whole sentences already.
    return f"{line.rstrip('.')}. To do: {finding.remedy}." if finding.remedy else line
