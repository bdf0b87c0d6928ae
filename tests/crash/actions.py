"""GitHub Actions as the target of the crash tests: what its workflow's runs did counts."""

from collections import Counter

from aiohttp import web

from tests.crash.target import ACTIONS
from tests.github.actions import FakeActions, Workflow
from tests.github.description import CLOUD, NEWEST, described


class ActionsTarget:
    """One workflow that deploys and tests everything; a new run is not in the next list.

    Its runs end at once, but for what is `held`; what is `red` fails.
    """

    def __init__(self, name: str) -> None:
        described(CLOUD, NEWEST)  # takes seconds, and nobody is to wait for it later
        self.name = name
        self.recovery = ACTIONS[name]
        self._github = FakeActions(deploy=Workflow(refuses=self.recovery == "keyed"))
        self._github.lag = 1
        self._github.held = True
        self.held: set[str] = set()
        self.red: set[str] = set()

    def routes(self) -> list[web.RouteDef]:
        """Return its routes, below an instance's own address."""
        path = "/{instance}/github/repos/acme/shop/{rest:actions/.*}"
        return [web.route("*", path, self._answer)]

    @property
    def starts(self) -> Counter[str]:
        """Count the dispatches of each attempt."""
        return self._github.starts

    @property
    def refusals(self) -> int:
        """Count the runs that the workflow refused because their attempt is known."""
        return sum(run.conclusion == "failure" for run in self._github.runs)

    @property
    def wrong(self) -> list[str]:
        """Return what was not as GitHub describes it."""
        return self._github.wrong

    def production(self) -> list[str]:
        """Return the effects on production, without the tests."""
        effects = self._github.effects
        return [e for e in effects if e.startswith("production") and "e2e" not in e]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self._github.passes(1)  # or no run would be the newest
        self._end_runs()
        answer = await self._github.answer(request)
        self._end_runs()  # whoever asks may never ask again
        return answer

    def _end_runs(self) -> None:
        for run in self._github.runs:
            if run.status != "completed" and run.where not in self.held:
                reds = [("tests", "Run the tests")] if run.where in self.red else []
                self._github.ends(run, "failure" if reds else "success", *reds)
