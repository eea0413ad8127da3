"""What is known about how a version came to be, as names and values."""

from mlops_core.entities import ModelSpec
from mlops_core.services.history import VersionHistory


def list_facts(spec: ModelSpec, one: VersionHistory) -> list[tuple[str, str]]:
    """List metrics, times in production, features, parameters, and origin."""
    version = one.version
    served = "; ".join(
        f"{span.start:%d %b %Y %H:%M} – {f'{span.end:%d %b %Y %H:%M}' if span.end else 'now'} UTC" for span in one.spans
    )
    return [
        ("Offline metrics", ", ".join(f"{name} {value:.3f}" for name, value in version.offline_metrics.items())),
        ("In production", served or "never"),
        ("Features", f"{len(version.features)}: {', '.join(version.features)}"),
        ("Parameters", ", ".join(f"{name} = {value}" for name, value in version.parameters.items())),
        ("Snapshot", f"{version.snapshot.id[:16]}…, {version.snapshot.rows:,} {spec.words.rows}"),
        ("Artifact", f"{version.artifact_hash[:16]}…, {version.artifact_bytes / 1e6:.1f} MB"),
        ("Code", f"{version.code_id[:16]}…"),
        ("Libraries", ", ".join(f"{name} {known}" for name, known in version.libraries.items()) or "not known"),
        ("Registered", f"{version.created_at:%d %b %Y %H:%M} UTC by {version.created_by}"),
    ]
