"""What looks like a credential is masked; what a reader needs is not."""

import time

import pytest

from app.core.untrusted import clean, masked, masked_lines
from tests.attacks.canaries import Canary, canaries

CANARIES = canaries()


def test_there_are_many_forms() -> None:
    assert len({canary.name for canary in CANARIES}) == len(CANARIES) >= 60
    assert all(
        canary.secrets and canary.shows_in(clean(c)) for canary in CANARIES for c in canary.secrets
    )


@pytest.mark.parametrize("canary", CANARIES, ids=lambda c: c.name)
def test_a_credential_is_masked_and_its_surroundings_stay(canary: Canary) -> None:
    shown = masked(clean(canary.text))
    assert canary.shows_in(shown) == "", shown
    assert "[secret]" in shown
    for word in ("the log says", "and goes on", "@git.example", "&sig=", "db.internal"):
        assert (word in shown) == (word in canary.text)


@pytest.mark.parametrize("canary", CANARIES, ids=lambda c: c.name)
def test_a_credential_in_the_lines_of_a_log_is_masked(canary: Canary) -> None:
    lines = ["first", *clean(canary.text).split("\n"), "last"]
    shown = masked_lines(lines)
    assert canary.shows_in("".join(shown)) == ""
    assert len(shown) == len(lines)
    assert (shown[0], shown[-1]) == ("first", "last")


@pytest.mark.parametrize(
    "text",
    [
        "4af9ec0" + "1" * 33,
        "deployed 0ddba11222222222222222222222222222222222 in 3.2 s",
        "sha256:" + "9f86d081884c7d65" * 4,
        "sha512-" + "Zm9vYmFy" * 10 + "==",
        "src/components/CheckoutPage2/__tests__/priceWithTax.test.tsx:41:7",
        "tests/scenarios/test_people.py::test_a_token_that_has_expired_is_refused PASSED",
        "AssertionError: expected 3 tokens, got 1500",
        "the token of the day; basic authentication; a bearer of news",
        "disk-usage-monitor-service2 risk-assessment-pipeline-v2 task-runner-for-frontend-4",
        "GET https://shop.example/cart?page=2&sort=price 200 in 12 ms",
        "http://localhost:3000/@scope/package and mail to ann@shop.example",
        "npm_config_cache=/tmp/npm gh_pages xoxo eyJust ghost_writer",
        "at Object.<anonymous> (/app/node_modules/jest-runner/build/runTest.js:444:34)",
        "550e8400-e29b-41d4-a716-446655440000",
        "2026-11-22T13:51:19.123456Z INFO [worker-1] step=deploy_frontend_to_prod",
        "-----BEGIN CERTIFICATE-----",
        "feature/JIRA-1234-add-gift-cards-to-checkout-v2",
        "LoginPage.stories.tsx > Password reset > sends a mail within 60 s",
    ],
)
def test_ordinary_text_survives(text: str) -> None:
    assert masked(text) == text
    assert masked_lines([text, "next", text]) == [text, "next", text]


def test_a_finished_line_does_not_take_the_next_one_along() -> None:
    secret = "gh" + "p_" + "A1b2C3d4E5" * 4
    assert masked(f"key {secret}\nDeploying frontend") == "key [secret]\nDeploying frontend"


@pytest.mark.parametrize(
    "part",
    [
        "eyJ",
        "sk-",
        "://a:",
        "password ",
        "login x ",
        "a",
        "\n",
        "a\n",
        "--token ",
        '"auth',
        "\x1b]",
    ],
)
def test_a_text_made_to_be_slow_is_read_in_linear_time(part: str) -> None:
    def seconds(length: int) -> float:
        text = part * (length // len(part))
        began = time.process_time()
        masked(clean(text))
        return time.process_time() - began

    short, long = seconds(20_000), seconds(160_000)
    assert long < 40 * (short + 0.01)  # eight times the text; quadratic would be 64
