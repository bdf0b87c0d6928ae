"""People's words, however long and strange: read, cleaned and masked in bounded time."""

from collections.abc import Callable

from app.core import lock_words, questions, untrusted, words
from app.core.errors import UserError
from app.slack import text as slack_text
from app.slack.payloads import MAX_WORDS, heard, target, words_of
from tests.fuzz.campaign import Campaign
from tests.fuzz.mutation import Mutation
from tests.shop import repo_config

SAID = (
    "<@U01ALICE> please deploy backend 4af9ec0 first, then the frontend",
    "   <@U0BOT>, stop",
    "lock backend until 2027-01-31 15:00, because: load test",
    "unlock acme/shop all",
    "hey deploybot, could you please lock both services until monday at 9:00 because it rains?",
    "ok, can you lock the backend for an hour and a half, thanks!",
    "please lock everything for 1 day, 2 hours and 30 minutes",
    "hey, what changed on production, and who approved it?",
    "ship it &amp; <https://example.com|here> \u202eevil",
    "roll back <!channel> *now* `4af9ec0` xoxb-1234-abcd ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
    "postgres://user:hunter2@db/shop AKIAIOSFODNN7EXAMPLE password = 'hunter2hunter2'",
)

SHOP = repo_config()


def heard_as(said: str) -> object:
    """Read the words as they come in an event."""
    message = {"type": "message", "channel": "C1", "ts": "1.1", "user": "U01ALICE", "text": said}
    envelope = {"event_id": "Ev1", "event": message, "authorizations": [{"user_id": "U0BOT"}]}
    return heard(envelope)


def locked_as(said: str) -> object:
    """Read the words as a lock; what is none is refused with a sentence."""
    try:
        return lock_words.parse(said, [SHOP], 1_800_000_000_000)
    except UserError as error:
        return str(error)


READERS: tuple[Callable[[str], object], ...] = (
    words.sha_like,
    words.is_stop,
    words.is_continue,
    words.is_approval,
    words.is_never_mind,
    words.is_keeping,
    questions.only_asks,
    untrusted.clean,
    untrusted.one_line,
    untrusted.masked,
    slack_text.decode,
    slack_text.prose,
    slack_text.code_block,
    words_of,
    lock_words.is_about_locks,
    locked_as,
    heard_as,
    target,
)
# Slack's longest message has 40,000 characters, and GitHub's longest description 65,536.
LONGEST = 66_000
LONG = 0.05  # of the cases: one takes as long as fifteen others


def long(case: Mutation) -> str:
    """Return a long text of a short piece again and again, the usual way to slow a pattern down."""
    said = case.choice(SAID)
    at = case.randrange(len(said))
    piece = case.text(said[at : at + case.randint(1, 12)], 2) or "a"
    return case.choice(SAID)[: case.randrange(30)] + piece * (LONGEST // len(piece))


def test_words_of_people() -> None:
    with Campaign("words") as campaign:
        for case in campaign:
            said = case.text(case.choice(SAID), 8)
            for read in READERS:
                read(said)
            kept = words_of(said)
            assert len(kept) <= MAX_WORDS
            kept.encode()
            if case.random() < LONG:
                case.choice(READERS)(long(case))
