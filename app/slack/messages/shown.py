"""The exact action of a card, as every place shows it that asks somebody to decide about it."""

import json

from app.core.spec import ActionSpec
from app.slack import text

MAX_ARGUMENTS = 12


def exact(spec: ActionSpec) -> str:
    """Return the exact call and the deployer's exact arguments; what hides is shown as \\u…."""
    lines = [f"{spec.tool}(sha={json.dumps(spec.sha)})"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in sorted(spec.arguments.items())]
    shown = [text.code(line, 1200) for line in lines[:MAX_ARGUMENTS]]
    shown.insert(1, f"runs deployer {text.code(spec.deployer)} with")
    if len(lines) > MAX_ARGUMENTS:
        shown.append(f"… and {len(lines) - MAX_ARGUMENTS} more (cut)")
    return text.joined(shown)


def action(spec: ActionSpec) -> str:
    """Name the action as mrkdwn, without its versions."""
    way = "deploy {} to {}" if spec.kind == "deploy" else "roll back {} in {}"
    return way.format(text.inline(spec.service, 60), spec.environment)


def change(spec: ActionSpec) -> str:
    """Return the version that production was and the one that it is to get."""
    return f"{text.short(spec.production_was)} → {text.short(spec.sha)}"
