"""The routes of the contract: decides how what is asked of traffic is told and changed."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from mlops_core.api.changes import Channel, Text, name_local_user
from mlops_core.api.documents import describe_reference
from mlops_core.api.parameters import choose_version, read_channel, shorten
from mlops_core.api.state import answer, answer_change
from mlops_core.contracts import Contract, FeatureKind, FeatureTerms, TrafficTerms
from mlops_core.entities import Actor, ModelSpec, Version
from mlops_core.errors import InputError
from mlops_core.services.contracts import ContractState, find_proposed, find_setter, read_contract, save_contract
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import get_model, get_version

router = APIRouter()


class FeatureBody(BaseModel):
    """What a request asks of one feature; a term that is not there stays as it is, whatever is its default here."""

    model_config = ConfigDict(extra="forbid", strict=True)

    feature: Text
    kind: Literal["number", "category"] = "number"
    """Refused when the feature is of the other kind."""
    most_null: float = 0.0
    minimum: float | None = None
    maximum: float | None = None
    categories: list[Text] | None = None
    most_unseen: float | None = None


class TrafficBody(BaseModel):
    """What a request asks of all rows together; a term that is not there stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    least_volume: float = 0.0
    most_volume: float = 0.0
    most_age_hours: float | None = None
    most_duplicates: float = 0.0


class ContractBody(BaseModel):
    """What a request to change a contract says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Text
    features: list[FeatureBody] = []
    traffic: TrafficBody = TrafficBody()
    propose: bool = False
    """Start from what the reference proposes, not from the contract as it stands."""
    version: Text | None = None
    """Whose contract; of the version in production when null."""
    expected_revision: int | None = None
    """The change on which this one was made, null for none; not checked when absent."""


@router.get("/models/{model}/contract")
async def get_model_contract(request: Request, model: str, version: str | None = None) -> Response:
    """Say what is asked of a model's traffic."""
    return await answer(request, partial(_read, model=model, version=version))


@router.post("/models/{model}/contract")
async def change_model_contract(request: Request, model: str, body: ContractBody, channel: Channel = None) -> Response:
    """Change what is asked of a model's traffic."""
    actor = Actor(name_local_user(), read_channel(channel))
    return await answer_change(request, partial(_change, model=model, body=body, actor=actor))


def _read(runtime: Runtime, model: str, version: str | None) -> dict[str, object]:
    spec, chosen = _find_version(runtime, model, version)
    return _describe(spec, chosen, read_contract(runtime, spec, chosen, runtime.now(model)))


def _change(runtime: Runtime, model: str, body: ContractBody, actor: Actor) -> dict[str, object]:
    spec, version = _find_version(runtime, model, body.version)
    now = runtime.now(model)
    state = read_contract(runtime, spec, version, now)
    given = body.model_fields_set
    saved = save_contract(
        runtime,
        spec,
        version,
        _apply(state.proposed if body.propose else state.contract, body),
        expected=body.expected_revision if "expected_revision" in given else state.revision,
        actor=actor,
        reason=body.reason,
        now=now,
    )
    return _describe(spec, version, saved)


def _find_version(runtime: Runtime, model: str, version: str | None) -> tuple[ModelSpec, Version]:
    spec = get_model(runtime.database, model)
    return spec, get_version(runtime.database, model, choose_version(runtime, model, version))


def _apply(contract: Contract, body: ContractBody) -> Contract:
    """Put the terms of a request in the place of those of a contract."""
    asked = {one.feature: one.model_dump(exclude_unset=True) for one in body.features}
    known = [terms.feature for terms in contract.features]
    unknown = next((name for name in asked if name not in known), None)
    if unknown is not None:
        accepted = ", ".join(known) or "none, as there is no reference to propose from"
        raise InputError(f"The contract has no feature {shorten(unknown)}; its features are: {accepted}.")
    if len(asked) < len(body.features):
        raise InputError("A feature is named twice in 'features'; accepted is once.")
    features = tuple(_replace_terms(terms, asked.get(terms.feature, {})) for terms in contract.features)
    traffic = replace(contract.traffic, **body.traffic.model_dump(exclude_unset=True))
    return Contract(features=features, traffic=traffic)


def _replace_terms(terms: FeatureTerms, asked: dict[str, Any]) -> FeatureTerms:
    kind, named = FeatureKind(asked.get("kind", terms.kind)), asked.get("categories", terms.categories)
    return replace(terms, **(asked | {"kind": kind, "categories": _order(named, terms.categories)}))


def _order(named: Sequence[str] | None, known: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Give categories in the order in which they are known: naming them in another one is no change."""
    if named is None:
        return None
    is_same = known is not None and len(named) == len(known) and set(named) == set(known)
    return known if is_same else tuple(named)


def _describe(spec: ModelSpec, version: Version, state: ContractState) -> dict[str, object]:
    return {
        "model": spec.name,
        "version": version.name,
        "revision": state.revision,
        "reference": describe_reference(state.reference) if state.reference else None,
        "features": [asdict(terms) for terms in state.contract.features],
        "traffic": asdict(state.contract.traffic),
        "edited": _list_edited(state),
    }


def _list_edited(state: ContractState) -> list[dict[str, object]]:
    """Give what is not as proposed, with the change that set it so; what is missing here is proposed."""
    found: list[FeatureTerms | TrafficTerms] = [*state.contract.features, state.contract.traffic]
    return [
        {
            "feature": terms.feature if isinstance(terms, FeatureTerms) else None,
            "proposed": find_proposed(state, terms),
            "revision": revision.id,
            "at": revision.at,
            "actor": revision.actor.name,
            "channel": revision.actor.channel,
            "reason": revision.reason,
        }
        for terms in found
        if (revision := find_setter(state, terms))
    ]
