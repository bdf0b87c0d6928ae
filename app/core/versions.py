"""Which versions of a service passed the production tests: one bounded fact for each service.

Fact "versions/<service>": the newest of them, oldest first. It is rewritten when the tests of what
a thread shipped are green, and until then that thread holds the service's lock.
"""

import json
from collections.abc import Mapping

KEPT = 10


def verified(facts: Mapping[str, str], service: str) -> list[str]:
    """Return the versions of a service that passed, oldest first."""
    told = facts.get(f"versions/{service}")
    if told is not None:
        return [str(sha) for sha in json.loads(told)]
    newest = facts.get(f"verified/{service}")  # of a store that knows no more yet
    return [newest] if newest else []


def facts_of(versions: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str | None]:
    """Return the facts that follow from green tests; a rollback forgets what came after it."""
    facts: dict[str, str | None] = {}
    for service, sha in versions.items():
        before = verified(known, service)
        kept = before[: before.index(sha)] if sha in before else before
        facts[f"versions/{service}"] = json.dumps([*kept, sha][-KEPT:])
        facts[f"verified/{service}"] = sha
    return facts
