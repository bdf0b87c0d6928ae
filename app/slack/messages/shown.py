"""The exact action of a card, as every place shows it that asks somebody to decide about it."""

import json
from collections.abc import Sequence
from itertools import groupby

from app.core.spec import ActionSpec
from app.slack import text
from app.slack.messages import people

MAX_ARGUMENTS = 12
_WAYS = {"deploy": "deploy {} to {}", "rollback": "roll back {} in {}", "job": "run {} in {}"}


def exact(spec: ActionSpec) -> str:
    """Return the exact call and the deployer's exact arguments; what hides is shown as \\u…."""
    lines = [f"{spec.tool}(sha={json.dumps(spec.sha)})"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in sorted(spec.arguments.items())]
    shown = [text.code(line, 1200) for line in lines[:MAX_ARGUMENTS]]
    shown.insert(1, f"runs deployer {text.code(spec.deployer)} with")
    if len(lines) > MAX_ARGUMENTS:
        shown.append(f"… and {len(lines) - MAX_ARGUMENTS} more (cut)")
    return text.joined(shown)


def action(specs: Sequence[ActionSpec]) -> str:
    """Name actions in their order as mrkdwn, without their versions."""
    ways: list[str] = []
    for kind, group in groupby(specs, key=lambda spec: spec.kind):
        names = [text.inline(spec.service, 60) for spec in group]
        ways.append(_WAYS[kind].format(people.all_of(names), specs[0].environment))
    return ", then ".join(ways)


def versions(spec: ActionSpec) -> str:
    """Tell what would be replaced by what; a job has nothing that runs."""
    if spec.kind == "job":
        return f"for {text.short(spec.sha)}"
    return f"{text.short(spec.production_was)} → {text.short(spec.sha)}"


def change(specs: Sequence[ActionSpec]) -> str:
    """Return what versions actions change, each once."""
    return ", ".join(dict.fromkeys(map(versions, specs)))
