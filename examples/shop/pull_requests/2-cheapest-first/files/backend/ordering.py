"""In which order products are listed."""


def ordered(products):
    """Return products from the cheapest to the dearest, equal prices by name."""
    return sorted(products, key=lambda product: (product["price_cents"], product["name"]))
