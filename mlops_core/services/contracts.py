"""Contracts: decides what is asked of a model's traffic, who may change it how, and that each change can be undone."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from math import isfinite

from mlops_core.checks.proposal import propose_terms, propose_traffic
from mlops_core.contracts import Contract, ContractEdits, ContractRevision, FeatureKind, FeatureTerms, TrafficTerms
from mlops_core.entities import Actor, ModelSpec, Version
from mlops_core.errors import ConflictError, InputError, MLOpsError
from mlops_core.services.reasons import check_reason
from mlops_core.services.references import ensure_reference, ensure_snapshot_reference, read_reference
from mlops_core.services.runtime import Runtime
from mlops_core.store.audit import add_audit_event
from mlops_core.store.binnings import get_binning
from mlops_core.store.connection import Transaction
from mlops_core.store.contracts import add_contract_revision, list_contract_revisions
from mlops_core.store.references import Reference, ReferenceProfile
from mlops_core.store.traffic import list_longest_waits

WATCHED = timedelta(days=28)
"""The deliveries of this time before the newest one say how long the wait for the next one usually gets."""
TRAFFIC = "traffic"
"""What a change of the terms for all rows is listed under."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractState:
    """A contract as it stands."""

    contract: Contract
    """What counts: the proposal, with what people have set in its place."""
    proposed: Contract
    """What the reference suggests."""
    reference: Reference | None
    """What the terms of features are proposed from; None when there is nothing, and none are proposed."""
    revisions: tuple[ContractRevision, ...]
    """Changes by people, newest first."""

    @property
    def revision(self) -> int | None:
        """The newest change; None when nobody has changed anything."""
        return self.revisions[0].id if self.revisions else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermChange:
    """One term that differs between two contracts."""

    subject: str
    """The feature, or "traffic"."""
    term: str
    old: object
    new: object


def read_contract(runtime: Runtime, spec: ModelSpec, version: Version, now: datetime) -> ContractState:
    """Give what is asked of the traffic of a version."""
    references = _list_references(runtime, spec, version, now)
    proposed = _propose(runtime, spec, version, references)
    revisions = tuple(list_contract_revisions(runtime.database, spec.name))
    edits = revisions[0].edits if revisions else ContractEdits()
    return ContractState(
        contract=_apply(edits, proposed),
        proposed=proposed,
        reference=references[0] if references else None,
        revisions=revisions,
    )


def save_contract(
    runtime: Runtime,
    spec: ModelSpec,
    version: Version,
    contract: Contract,
    *,
    expected: int | None,
    actor: Actor,
    reason: str,
    now: datetime,
) -> ContractState:
    """Keep a changed contract and write what changed to the audit log, in one transaction.

    Parameters
    ----------
    expected : int or None
        The revision that the change was made on.

    Raises
    ------
    InputError
        When a term is not accepted, nothing was changed, or the reason is empty.
    ConflictError
        When somebody else has changed the contract meanwhile.
    """
    state = read_contract(runtime, spec, version, now)
    changes = list_changes(state.contract, contract)
    for terms in contract.features:
        _check_terms(terms, state.proposed.get_terms(terms.feature))
    _check_traffic(contract.traffic)
    if not changes:
        raise InputError("Nothing was changed; the contract is as it was.")
    edits = _find_edits(contract, state)
    _keep(runtime, spec, edits, changes, expected=expected, action="edit contract", actor=actor, reason=reason, now=now)
    return read_contract(runtime, spec, version, now)


def undo_contract(
    runtime: Runtime, spec: ModelSpec, version: Version, *, expected: int | None, actor: Actor, now: datetime
) -> ContractState:
    """Put back what the newest change replaced; undoing that brings the change back.

    Raises
    ------
    InputError
        When nothing was ever changed.
    ConflictError
        When somebody else has changed the contract meanwhile.
    """
    state = read_contract(runtime, spec, version, now)
    if not state.revisions:
        raise InputError("Nobody has changed the contract; there is nothing to undo.")
    edits = state.revisions[1].edits if len(state.revisions) > 1 else ContractEdits()
    changes = list_changes(state.contract, _apply(edits, state.proposed))
    reason = f"Undo of change {state.revision}"
    _keep(runtime, spec, edits, changes, expected=expected, action="undo contract", actor=actor, reason=reason, now=now)
    return read_contract(runtime, spec, version, now)


def list_changes(old: Contract, new: Contract) -> list[TermChange]:
    """Give every term that differs, feature by feature; a feature that one of them lacks is left out."""
    found = []
    for terms in new.features:
        before = old.get_terms(terms.feature)
        found += _compare(terms.feature, before, terms) if before else []
    return found + _compare(TRAFFIC, old.traffic, new.traffic)


def find_setter(state: ContractState, terms: FeatureTerms | TrafficTerms) -> ContractRevision | None:
    """Give the change that set some terms as they stand; None when they are as proposed."""
    if terms == state.proposed.traffic or terms in state.proposed.features:
        return None
    earlier = (*state.revisions[1:], None)
    pairs = zip(state.revisions, earlier, strict=True)
    return next((one for one, before in pairs if before is None or not _has_set(before.edits, terms)), None)


def _compare(subject: str, old: FeatureTerms | TrafficTerms, new: FeatureTerms | TrafficTerms) -> list[TermChange]:
    return [
        TermChange(subject=subject, term=field.name, old=getattr(old, field.name), new=getattr(new, field.name))
        for field in fields(new)
        if getattr(old, field.name) != getattr(new, field.name)
    ]


def find_proposed(state: ContractState, terms: FeatureTerms | TrafficTerms) -> dict[str, object]:
    """Give the proposal for those of some terms that differ from it, by name."""
    known = state.proposed.get_terms(terms.feature) if isinstance(terms, FeatureTerms) else state.proposed.traffic
    return {change.term: change.old for change in _compare("", known, terms)} if known else {}


def _has_set(edits: ContractEdits, terms: FeatureTerms | TrafficTerms) -> bool:
    return terms in edits.features if isinstance(terms, FeatureTerms) else terms == edits.traffic


def _propose(runtime: Runtime, spec: ModelSpec, version: Version, references: Sequence[Reference]) -> Contract:
    longest, n_waits = list_longest_waits(runtime.database, spec.name, WATCHED)
    features = _propose_features(runtime, spec, version, references)
    return Contract(features=features, traffic=propose_traffic(longest, n_waits))


def _list_references(runtime: Runtime, spec: ModelSpec, version: Version, now: datetime) -> list[Reference]:
    """Give what is proposed from: the standing reference, then the version's training rows for what that one lacks.

    What cannot be read is left out, which the log says; nothing is asked of features while there is none.
    """
    found: list[Reference] = []
    failures: set[str] = set()
    for ensure in (ensure_snapshot_reference, ensure_reference):
        try:
            reference = ensure(runtime, spec, version, now)
        except MLOpsError as error:
            failures.add(error.message)
            continue
        if reference and reference not in found:
            found.insert(0, reference)
    for message in sorted(failures):
        _log.warning("%s %s has no contract proposed from this: %s", spec.name, version.name, message)
    return found


def _propose_features(
    runtime: Runtime, spec: ModelSpec, version: Version, references: Sequence[Reference]
) -> tuple[FeatureTerms, ...]:
    binning = get_binning(runtime.database, spec.name)
    known: dict[str, ReferenceProfile] = {}
    for reference in references:
        profiles = read_reference(runtime, spec, reference)
        known |= {name: one for name, one in profiles.items() if name not in known or not known[name].counts.n[0]}
    return tuple(
        propose_terms(name, known[name].counts, binning.features[name].categories)
        for name in version.features
        if binning and name in known and name in binning.features
    )


def _apply(edits: ContractEdits, proposed: Contract) -> Contract:
    """Put what people have set in the place of what is proposed; a feature that the version lacks is left out."""
    own = {terms.feature: terms for terms in edits.features}
    features = tuple(own.get(terms.feature, terms) for terms in proposed.features)
    return Contract(features=features, traffic=edits.traffic or proposed.traffic)


def _find_edits(contract: Contract, state: ContractState) -> ContractEdits:
    """Give what differs from the proposal; what was set for features that this version lacks is kept."""
    earlier = state.revisions[0].edits if state.revisions else ContractEdits()
    shown = {terms.feature for terms in contract.features}
    kept = [terms for terms in earlier.features if terms.feature not in shown]
    own = [terms for terms in contract.features if terms != state.proposed.get_terms(terms.feature)]
    traffic = contract.traffic if contract.traffic != state.proposed.traffic else None
    return ContractEdits(features=(*kept, *own), traffic=traffic)


def _keep(
    runtime: Runtime,
    spec: ModelSpec,
    edits: ContractEdits,
    changes: list[TermChange],
    *,
    expected: int | None,
    action: str,
    actor: Actor,
    reason: str,
    now: datetime,
) -> None:
    reason = check_reason(reason)
    with runtime.database.transaction() as transaction:
        _refuse_outdated(transaction, spec, expected)
        add_contract_revision(transaction, spec.name, edits, at=now, actor=actor, reason=reason)
        add_audit_event(
            transaction,
            at=now,
            actor=actor,
            action=action,
            model=spec.name,
            subject=spec.name,
            reason=reason,
            evidence={"changes": [_write_change(change) for change in changes]},
        )


def _refuse_outdated(transaction: Transaction, spec: ModelSpec, expected: int | None) -> None:
    newest = list_contract_revisions(transaction, spec.name, 1)
    if (newest[0].id if newest else None) != expected:
        raise ConflictError(
            f"{newest[0].actor.name} changed the contract meanwhile. Nothing was saved; look at it again."
            if newest
            else "The contract that was changed is not there any more. Nothing was saved; look at it again."
        )


def _write_change(change: TermChange) -> Mapping[str, object]:
    plain: Mapping[str, object] = json.loads(json.dumps(asdict(change)))
    return plain


def _check_terms(terms: FeatureTerms, proposed: FeatureTerms | None) -> None:
    name = terms.feature
    if proposed is None or terms.kind is not proposed.kind:
        raise InputError(f"{name!r} is no {terms.kind.value} that the version reads.")
    _check_share(name, "most_null", terms.most_null)
    for term in _NOT_ASKED[terms.kind]:
        if getattr(terms, term) is not None:
            raise InputError(f"The {term} of {name} is {getattr(terms, term)!r}; accepted of a {terms.kind} is null.")
    if terms.kind is FeatureKind.NUMBER:
        _check_range(terms)
    else:
        _check_categories(terms, proposed.categories or ())


_NOT_ASKED = {FeatureKind.NUMBER: ("categories", "most_unseen"), FeatureKind.CATEGORY: ("minimum", "maximum")}
"""Terms that features of the other kind have."""


def _check_range(terms: FeatureTerms) -> None:
    name = terms.feature
    for end in (terms.minimum, terms.maximum):
        if end is not None and not isfinite(end):
            raise InputError(f"The range of {name} ends at {end!r}; accepted are finite numbers, or nothing.")
    if terms.minimum is not None and terms.maximum is not None and terms.minimum > terms.maximum:
        raise InputError(
            f"The range of {name} is {terms.minimum:g} to {terms.maximum:g}; its start lies above its end."
        )


def _check_categories(terms: FeatureTerms, known: Sequence[str]) -> None:
    name, categories = terms.feature, terms.categories
    _check_share(name, "most_unseen", terms.most_unseen)
    if categories is None:
        raise InputError(f"The categories of {name} are null; accepted are values of the reference.")
    twice = next((one for i, one in enumerate(categories) if one in categories[:i]), None)
    if twice is not None:
        raise InputError(f"{twice!r} is named twice among the categories of {name}; accepted is once.")
    unknown = sorted(set(categories) - set(known))
    if unknown:
        raise InputError(
            f"{unknown[0]!r} is no value of {name} in the reference, so it is not counted by itself; it can be "
            "accepted once a version was trained on it."
        )


def _check_traffic(terms: TrafficTerms) -> None:
    _check_share(TRAFFIC, "most_duplicates", terms.most_duplicates)
    _check_share(TRAFFIC, "least_volume", terms.least_volume)
    if not 1 <= terms.most_volume <= 1000:
        raise InputError(f"most_volume is {terms.most_volume!r}; accepted are 1 to 1,000 times the usual rows.")
    if terms.most_age_hours is not None and not 0 < terms.most_age_hours <= 100_000:
        raise InputError(f"most_age_hours is {terms.most_age_hours!r}; accepted are 0 to 100,000 hours, or nothing.")


def _check_share(subject: str, term: str, value: float | None) -> None:
    if value is None or not 0 <= value <= 1:
        raise InputError(f"The {term} of {subject} is {value!r}; accepted are shares from 0 to 1.")
