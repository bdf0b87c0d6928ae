"""The action that an approval is for: its exact content, its canonical bytes and its hash."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from app.core.instant import Instant

Environment = Literal["staging", "production"]
MAX_PLAN_STEPS = 10
EffectKind = Literal["deploy", "rollback", "job"]


class ActionSpec(BaseModel):
    """Everything that a production effect consists of; what is not in here cannot happen.

    `arguments` are the deployer's exact arguments. `production_was` is the full SHA that ran when
    the card was made, or None when nobody knew. `expires_at` is in milliseconds since the epoch.
    Of a job, `service` is the job's name, and `production_was` is None: nothing runs of it.
    """

    # Strict, so that what is stored cannot stand for the same action in another form.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    tool: str
    kind: EffectKind
    repo: str
    service: str
    environment: Environment
    sha: str
    deployer: str
    arguments: Mapping[str, Any]
    channel: str
    thread_id: str
    call_id: str
    production_was: str | None
    policy_version: str
    expires_at: Instant


def canonical(spec: ActionSpec) -> bytes:
    """Serialise a spec to its one byte form: sorted keys, no spaces, UTF-8 (as RFC 8785)."""
    data = spec.model_dump()
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def spec_hash(spec: ActionSpec) -> str:
    """Return the SHA-256 of the canonical bytes in hex: what an approval names."""
    return hashlib.sha256(canonical(spec)).hexdigest()


def plan_hash(specs: Sequence[ActionSpec]) -> str:
    """Return the SHA-256 over all steps of a plan in their order; of a single one, its own."""
    if len(specs) == 1:
        return spec_hash(specs[0])
    return hashlib.sha256(b"[" + b",".join(map(canonical, specs)) + b"]").hexdigest()


def approval_cause(spec: ActionSpec) -> str:
    """Name the approval that an action is started for; each may start it once."""
    return f"{spec.thread_id}:{spec.call_id}"


def attempt_id(cause: str, content: str) -> str:
    """Name an attempt after its cause (approval, or stage and run) and its content."""
    return hashlib.sha256(f"{cause}\n{content}".encode()).hexdigest()[:32]
