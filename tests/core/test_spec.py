"""An action's one byte form, its hash, and the names that follow from them."""

import hashlib
from typing import Any

import pytest

from app.core.spec import ActionSpec, approval_cause, attempt_id, canonical, spec_hash

SHA = "4af9ec0" + "0" * 33
SPEC = ActionSpec(
    tool="deploy_backend_to_prod",
    kind="deploy",
    repo="acme/shop",
    service="backend",
    environment="production",
    sha=SHA,
    deployer="command",
    arguments={"env": [], "argv": ["./größe.sh", "a b"]},
    channel="C01DEPLOYS",
    thread_id="acme/shop/0123456789",
    call_id="c1",
    production_was=None,
    policy_version="p1",
    expires_at=1_800_000_000_000,
)
# Written by hand: whoever changes it voids every card that is open.
BYTES = (
    '{"arguments":{"argv":["./größe.sh","a b"],"env":[]},"call_id":"c1","channel":"C01DEPLOYS",'
    '"deployer":"command","environment":"production","expires_at":1800000000000,"kind":"deploy",'
    '"policy_version":"p1","production_was":null,"repo":"acme/shop","service":"backend",'
    f'"sha":"{SHA}","thread_id":"acme/shop/0123456789","tool":"deploy_backend_to_prod"}}'
).encode()

OTHERS: dict[str, Any] = {
    "kind": "rollback",
    "environment": "staging",
    "arguments": {"env": [], "argv": ["./größe.sh", "a", "b"]},
    "production_was": SHA,
    "expires_at": 1_800_000_000_001,
}


def test_the_bytes_are_sorted_and_have_no_spaces_and_no_escapes() -> None:
    assert canonical(SPEC) == BYTES


def test_the_hash_is_that_of_the_bytes() -> None:
    assert spec_hash(SPEC) == hashlib.sha256(BYTES).hexdigest()


def test_the_order_of_arguments_changes_nothing() -> None:
    turned = dict(reversed(list(SPEC.arguments.items())))
    assert canonical(SPEC.model_copy(update={"arguments": turned})) == BYTES


@pytest.mark.parametrize("field", ActionSpec.model_fields)
def test_every_field_is_in_the_hash(field: str) -> None:
    other: Any = OTHERS.get(field, f"{getattr(SPEC, field)}x")
    assert spec_hash(SPEC.model_copy(update={field: other})) != spec_hash(SPEC)


def test_an_attempt_is_named_after_its_cause_and_its_content() -> None:
    cause = approval_cause(SPEC)
    assert cause == "acme/shop/0123456789:c1"
    named = hashlib.sha256(f"{cause}\ncontent".encode()).hexdigest()[:32]
    assert attempt_id(cause, "content") == named
