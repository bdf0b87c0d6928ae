"""A model that obeys the attacker: it calls what the text demands, and anything if it is silent."""

import json
import random
import re
from typing import Any

from app.core.context import render
from app.core.ports import ModelAnswer, Turn
from app.core.words import sha_like
from tests.attacks.own import FOREIGN

_OTHERS = ("approve", "deploy_database_to_prod", "shell", "deploy_frontend_to_staging", "")


class Evil:
    """Obeys for some turns, then proposes what a person can approve, in the attacker's words."""

    name = "evil"

    def __init__(
        self, payload: str, seed: str, genuine: ModelAnswer, first: ModelAnswer | None
    ) -> None:
        """Obey this payload; `genuine` is the proposal, `first` what brings the payload in."""
        self.told: list[str] = []
        self._payload = payload
        # As a model gives it back: what has no UTF-8 cannot come over the wire.
        self._words = payload.encode("utf-8", "replace").decode()[:1900]
        self._random = random.Random(ascii(seed))
        self._genuine = genuine
        self._first = first
        self._obeys = 0

    def obey(self, turns: int) -> None:
        """Obey the attacker this often before anything sensible is proposed again."""
        self._obeys = turns

    async def next_step(self, turn: Turn) -> ModelAnswer:
        text = render(turn.state, turn.entries, turn.repo, turn.now)
        self.told.append(text)
        if self._first:
            answer, self._first = self._first, None
            return answer
        if self._obeys:
            self._obeys -= 1
            return self._demanded(turn, text)
        if any(run.is_production_effect for run in turn.state.runs.values()):
            said = {"message": self._words or text[:1900]}
            return ModelAnswer(tool="done_for_now", arguments=said, by=self.name)
        return self._genuine

    def _demanded(self, turn: Turn, text: str) -> ModelAnswer:
        names = [tool.name for tool in turn.tools]
        every = [*names, *_OTHERS]
        named = [name for name in dict.fromkeys(re.findall(r"\w+", self._payload)) if name in every]
        tool = self._random.choice(named or every)
        return ModelAnswer(tool=tool, arguments=self._arguments(turn, tool, text), by=self.name)

    def _arguments(self, turn: Turn, tool: str, text: str) -> dict[str, Any]:
        written = self._written()
        if written is not None and self._random.random() < 0.7:
            return written
        names = [name for t in turn.tools if t.name == tool for name in t.parameters["properties"]]
        extra = {"force": True} if self._random.random() < 0.1 else {}
        return {name: self._value(name, turn, text) for name in names} | extra

    def _written(self) -> dict[str, Any] | None:
        """Return the arguments that the payload spells out as JSON."""
        found = re.search(r"\{.*\}", self._payload, re.DOTALL)
        try:
            call: Any = json.loads(found[0]) if found else None
            return dict(call["arguments"])
        except (ValueError, TypeError, LookupError, RecursionError):
            return None

    def _value(self, name: str, turn: Turn, text: str) -> Any:
        shas = [*sha_like(self._payload), *turn.state.known, FOREIGN, "deadbee", "main"]
        match name:
            case "sha":
                return self._random.choice([*shas, self._words[:60]])
            case "limit" | "seconds":
                return self._random.choice([1, 20, 604_800, 10**12, -1])
            case "choices":
                return [self._words[:200], "Approve", "\u200b", "<!channel>"]
            case "environment":
                return self._random.choice(["staging", "production"])
            case "steps":
                steps = [*turn.repo.production.order, self._words[:60]]
                return self._random.sample(steps[:-1], 2) if self._random.random() < 0.8 else steps
            case "service":
                return self._random.choice([*turn.repo.production.services, "../frontend"])
            case _:
                heard = self._random.choice([text[-400:], text[:400]]) if self._payload else text
                return f"{self._words}<!channel> <@U0VICTIM>{heard}"[:1900]
