"""The table of rules in docs/design.md has each of them, in the order in which they are asked."""

import re

from app.core.decide import RULES
from tests.packaging.files import ROOT

DESIGN = (ROOT / "docs" / "design.md").read_text()


def test_the_table_has_the_rules_in_their_order() -> None:
    table = DESIGN[DESIGN.index("| rule |") : DESIGN.index("If none has one:")]
    first_cells = re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE)
    named = [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]
    assert named == [rule.__name__ for rule in RULES]
