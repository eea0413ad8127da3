"""The routes that compare versions on the same rows: decides their addresses and what they need to be told."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from mlops_core.api.parameters import choose_version, read_window
from mlops_core.api.state import answer_in_turn
from mlops_core.services.background import Progress
from mlops_core.services.comparison_report import report_comparison, report_rehearsal
from mlops_core.services.performance import ALL_TIME
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import get_model

router = APIRouter()


@router.get("/models/{model}/comparison")
async def get_comparison(
    request: Request,
    model: str,
    challenger: str,
    champion: str | None = None,
    start: str | None = None,
    end: str | None = None,
) -> Response:
    """Compare a version with another, the one in production when none is named, on the rows of a window."""
    asked = None if start is None and end is None else read_window(start, end, ALL_TIME)

    def report(runtime: Runtime, progress: Progress) -> dict[str, object]:
        spec, now = get_model(runtime.database, model), runtime.now(model)
        known = choose_version(runtime, model, champion)
        return report_comparison(runtime, spec, known, challenger, asked, now, progress)

    return await answer_in_turn(request, report)


@router.get("/models/{model}/rehearsal")
async def get_rehearsal(request: Request, model: str, to: str) -> Response:
    """Say what is to be known of a version before it goes into production."""

    def report(runtime: Runtime, progress: Progress) -> dict[str, object]:
        return report_rehearsal(runtime, get_model(runtime.database, model), to, runtime.now(model), progress)

    return await answer_in_turn(request, report)
