"""What the API tells about a product."""


def described(product):
    """Return one product as the API gives it."""
    return {key: product[key] for key in ("id", "name", "price_cents")}
