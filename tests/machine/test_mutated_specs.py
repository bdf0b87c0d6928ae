"""Somebody changes what is stored of an approved action: the target receives nothing."""

import json
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest

from app.core.fold import fold
from app.core.spec import ActionSpec, canonical, spec_hash
from app.core.state import State
from app.slack.blocks import Message
from app.slack.messages import render
from tests import payloads
from tests.chance import SEED, report
from tests.machine.places import ALICE, BLOG, GUEST, REPOS, SHOP
from tests.machine.world import Lab, World

MUTATIONS = int(os.environ.get("MUTATED_SPECS", "10000"))
LOOK_ALIKES = str.maketrans("aceopdfi0", "асеорԁƒі۰")
Json = dict[str, Any]


@dataclass
class Stored:
    """The two lines that a production effect rests on, as they are stored."""

    request: Json
    grants: list[Json]

    @property
    def spec(self) -> Json:
        """Return the stored spec."""
        return self.request["event"]["spec"]

    def rehash(self) -> None:
        """Let the stored hash be that of the stored spec."""
        try:
            self.request["event"]["spec_hash"] = spec_hash(ActionSpec.model_validate(self.spec))
        except ValueError:
            self.request["event"]["spec_hash"] = "0" * 64

    def means(self) -> tuple[object, ...]:
        """Return what the worker will go by."""
        try:
            shown = canonical(ActionSpec.model_validate(self.spec))
        except ValueError:
            shown = repr(self.spec).encode()
        return shown, self.request["event"]["spec_hash"], json.dumps(self.grants)


Mutation = Callable[[Stored, random.Random], None]


def one_character(stored: Stored, chance: random.Random) -> None:
    """Change one character of one text, wherever it is."""
    holder, key = chance.choice(_texts(stored.spec))
    holder[key] = _off_by_one(holder[key], chance)


def look_alike(stored: Stored, chance: random.Random) -> None:
    """Put letters into a text that look the same."""
    holder, key = chance.choice(_texts(stored.spec))
    text = str(holder[key])
    holder[key] = chance.choice([text.translate(LOOK_ALIKES), f"{text}\u200b", f"\u202e{text}"])


def other_type(stored: Stored, chance: random.Random) -> None:
    """Change the type of a field."""
    key = chance.choice(list(stored.spec))
    value = stored.spec[key]
    stored.spec[key] = chance.choice([str(value), [value], {"": value}, None, 0, True, 1.5])


def nested(stored: Stored, chance: random.Random) -> None:
    """Change the deployer's arguments."""
    arguments = stored.spec["arguments"]
    argv = cast("list[Any]", arguments["argv"])
    spot = chance.randrange(len(argv))
    change = chance.randrange(5)
    if change == 0:
        argv.insert(spot, chance.choice(["--force", "", ";reboot", None, 0]))
    elif change == 1:
        del argv[spot]
    elif change == 2:
        argv[spot] = [argv[spot]]
    elif change == 3:
        arguments[f"env{chance.random()}"] = {"TOKEN": "x"}
    else:
        arguments["where"] = chance.choice(["acme/shop/production/other", None, 7])


def another_action(stored: Stored, chance: random.Random) -> None:
    """Put another good value into a field."""
    day = 24 * 3600 * 1000
    key, value = chance.choice(
        [
            ("sha", f"{chance.getrandbits(160):040x}"),
            ("service", chance.choice(["backend", "api", "other"])),
            ("kind", "rollback"),
            ("environment", "staging"),
            ("deployer", chance.choice(["blind", "queryable", "other"])),
            ("repo", "acme/other"),
            ("tool", "rollback_frontend_in_prod"),
            ("expires_at", stored.spec["expires_at"] + chance.randrange(1, day)),
            ("production_was", chance.choice([None, f"{chance.getrandbits(160):040x}"])),
            ("policy_version", f"{chance.getrandbits(48):012x}"),
            ("thread_id", "acme/shop/0123456789"),
            ("call_id", f"{chance.getrandbits(40):010x}"),
            ("channel", "C0OTHER"),
        ]
    )
    stored.spec[key] = value


def key_added(stored: Stored, chance: random.Random) -> None:
    """Add a field."""
    stored.spec[chance.choice(["force", "Sha", "sha ", "__class__", "", "argv"])] = True


def key_removed(stored: Stored, chance: random.Random) -> None:
    """Take a field out."""
    del stored.spec[chance.choice(list(stored.spec))]


def other_hash(stored: Stored, chance: random.Random) -> None:
    """Change the stored hash alone."""
    event = stored.request["event"]
    event["spec_hash"] = _off_by_one(event["spec_hash"], chance)


def grant_of_another_hash(stored: Stored, chance: random.Random) -> None:
    """Change the hash that a person approved."""
    event = chance.choice(stored.grants)["event"]
    event["spec_hash"] = chance.choice(
        [_off_by_one(event["spec_hash"], chance), "", event["spec_hash"].upper(), None, 0]
    )


def grant_by_another(stored: Stored, chance: random.Random) -> None:
    """Let somebody have approved who may not."""
    event = chance.choice(stored.grants)["event"]
    user = event["user"]
    event["user"] = chance.choice(
        [ALICE, GUEST + "X", "", user.lower(), _off_by_one(user, chance), f"{user} ", None, 7]
    )


def grant_twice(stored: Stored, chance: random.Random) -> None:
    """Let one person have given every approval."""
    first = stored.grants[0]["event"]["user"]
    stored.grants[-1]["event"]["user"] = first if len(stored.grants) > 1 else ALICE


def grant_for_another_call(stored: Stored, chance: random.Random) -> None:
    """Let the approval be for another card."""
    event = chance.choice(stored.grants)["event"]
    event["call_id"] = chance.choice([_off_by_one(event["call_id"], chance), "", None, 3])


def fewer_needed(stored: Stored, chance: random.Random) -> None:
    """Let the card have needed fewer people, and one of them go."""
    stored.request["event"]["facts"]["needed"] = chance.choice([0, 1, -1])
    del stored.grants[-1]


def spec_and_hash(stored: Stored, chance: random.Random) -> None:
    """Change the spec, and let the card's hash fit: only the approval still tells."""
    chance.choice([one_character, nested, another_action, look_alike])(stored, chance)
    stored.rehash()


MUTATIONS_OF: Sequence[Mutation] = (
    one_character,
    one_character,
    look_alike,
    other_type,
    nested,
    nested,
    another_action,
    another_action,
    key_added,
    key_removed,
    other_hash,
    grant_of_another_hash,
    grant_by_another,
    grant_twice,
    grant_for_another_call,
    fewer_needed,
    spec_and_hash,
    spec_and_hash,
)


def _texts(holder: Any) -> list[tuple[Any, Any]]:
    """Return every place in a JSON value that holds a text."""
    found: list[tuple[Any, Any]] = []
    inside: Any = holder
    for key, value in inside.items() if isinstance(holder, dict) else enumerate(inside):
        if isinstance(value, str):
            found.append((inside, key))
        elif isinstance(value, (dict, list)):
            found += _texts(value)
    return found


def _off_by_one(text: str, chance: random.Random) -> str:
    spot = chance.randrange(len(text) + 1)
    kind = chance.randrange(3)
    other = chr(chance.randrange(33, 127))
    if kind == 0 or spot == len(text):
        return text[:spot] + other + text[spot:]
    return text[:spot] + (other if kind == 1 else "") + text[spot + 1 :]


class Vault:
    """A thread with an approved card, which can be put back as it was, or otherwise."""

    def __init__(self, world: World, repo: str) -> None:
        self.world, self.repo = world, repo
        self.client: Any = world.lab.client
        self.thread_id = ""
        self.lines: list[str] = []

    async def fills(self) -> None:
        """Let the card be made, and approved; the worker has not seen that."""
        world = self.world
        await world.merges(self.repo)
        await world.works()
        await world.catches_up()
        mirror, card = world.waiting()[-1]
        self.thread_id = mirror.thread_id
        for user in ("U03CARA", "U05ERIN")[-REPOS[self.repo].approvals_needed :]:
            assert await world.clicks(mirror, "approve", card.request.call_id, user) == ""
        self.lines = list((await world.lab.log.stored(self.thread_id)).lines)
        await self.client.delete(f"{{{self.repo}}}:due:work")

    async def put(self, lines: Sequence[str]) -> None:
        """Store these lines instead, and let the thread be due."""
        log = f"{{{self.repo}}}:log:{self.thread_id}"
        await self.client.delete(log)
        await self.world.lab.log.read(self.thread_id)  # nobody remembers the lines that were
        await self.client.rpush(log, *lines)
        await self.client.zadd(f"{{{self.repo}}}:due:work", {self.thread_id: 0})

    async def works_on(self, lines: Sequence[str]) -> State:
        """Store these lines, let the worker see them, and return what the thread is then."""
        await self.put(lines)
        await self.world.works()
        return fold(await self.world.lab.log.read(self.thread_id))

    def messages(self, state: State) -> Sequence[Message]:
        """Return what Slack shows."""
        now = self.world.ground.clock
        return list(render(state, REPOS[self.repo], now).values())

    def changed(self, mutation: Mutation, chance: random.Random) -> list[str] | None:
        """Return the lines with a mutation, None where it changed nothing that counts."""
        events = [json.loads(line) for line in self.lines]
        stored, untouched = _stored(events), _stored([json.loads(line) for line in self.lines])
        mutation(stored, chance)
        if stored.means() == untouched.means():
            return None
        rest = [e for e in events if e["event"]["type"] != "approval_granted"]
        return [json.dumps(e, ensure_ascii=False) for e in (*rest, *stored.grants)]


def _stored(events: Sequence[Json]) -> Stored:
    of = {"approval_requested": list[Json](), "approval_granted": list[Json]()}
    for each in events:
        of.get(each["event"]["type"], []).append(each)
    return Stored(of["approval_requested"][0], of["approval_granted"])


def is_settled(state: State) -> bool:
    """Tell whether the thread says why nothing happens, or asks for approvals that it has not."""
    card = next(reversed(state.cards.values()), None)
    expired = card is not None and card.status == "expired" and bool(card.text)
    asks = state.pending is not None and any(map(state.pending.missing, state.pending.steps))
    return expired or bool(state.newer) or asks


@pytest.fixture
def vaults(lab: Lab) -> list[Vault]:
    """Give a thread that needs one approval, and one that needs two."""
    world = World(lab)
    vaults = [Vault(world, repo) for repo in (SHOP, BLOG)]
    lab.run(world.begin())
    for vault in vaults:
        lab.run(vault.fills())
    return vaults


def test_untouched_lines_are_carried_out(lab: Lab, vaults: list[Vault]) -> None:
    for vault in vaults:
        lab.run(vault.put(vault.lines))
    lab.run(vaults[0].world.works())
    effects = vaults[0].world.ground.effects
    done = [each.repo for each in effects if each.environment == "production"]
    assert {SHOP, BLOG}.issubset(done)


def test_changed_lines_are_not(lab: Lab, vaults: list[Vault]) -> None:
    chance = random.Random(SEED)
    ground = vaults[0].world.ground
    before = list(ground.effects)
    tried = 0
    while tried < MUTATIONS:
        vault, mutation = chance.choice(vaults), chance.choice(MUTATIONS_OF)
        lines = vault.changed(mutation, chance)
        if lines is None:
            continue
        tried += 1
        state = lab.run(vault.works_on(lines))
        assert ground.effects == before, f"{mutation.__name__}: {lines}"
        assert is_settled(state), f"{mutation.__name__}: {lines}"
    report("changed specs", seed=SEED, tried=tried, sent=len(ground.effects) - len(before))


@pytest.mark.parametrize("mutation", dict.fromkeys(MUTATIONS_OF), ids=lambda each: each.__name__)
def test_people_see_why(lab: Lab, vaults: list[Vault], mutation: Mutation) -> None:
    vault, chance, lines = vaults[1], random.Random(SEED), None
    while lines is None:
        lines = vault.changed(mutation, chance)
    state = lab.run(vault.works_on(lines))
    said = "\n".join(payloads.words(m.text, m.blocks) for m in vault.messages(state))
    assert "expired" in said or "is begun here" in said or "1 of 2" in said, said


def test_it_is_said_once(lab: Lab, vaults: list[Vault]) -> None:
    vault, world = vaults[0], vaults[0].world
    for mutation in MUTATIONS_OF:
        lines = vault.changed(mutation, random.Random(SEED))
        if lines is None:
            continue
        said = lab.run(vault.works_on(lines)).version
        lab.run(world.passes(31))
        lab.run(world.works())
        assert len(lab.run(lab.log.read(vault.thread_id))) == said, mutation.__name__
