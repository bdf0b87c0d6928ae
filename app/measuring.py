"""`deploybot eval`: measures a model on the words of people."""

import sys

import tools
from app.core.errors import UserError
from app.model.evals import run
from app.parts import build_model
from app.settings import load_settings


async def measure(*, offline: bool) -> int:
    """Print how a model understands people; the exit code is 1 where it was unsafe."""
    settings = load_settings()
    if offline:
        settings = settings.model_copy(update={"openai_api_key": ""})
    elif not settings.openai_api_key:
        raise UserError(
            "OPENAI_API_KEY is not set, so there is no model to measure: "
            "set it, or measure the offline planner with --offline."
        )
    model, _ = build_model(settings)
    report = await run(model, tools.schemas)
    sys.stdout.write(report.table() + "\n")
    return 1 if report.unsafe else 0
