"""How prices are written."""


def written(cents):
    """Return a price as the shop shows it."""
    return f"{cents / 100:.2f}"
