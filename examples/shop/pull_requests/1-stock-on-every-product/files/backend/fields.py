"""What the API tells about a product."""


def described(product):
    """Return one product as the API gives it, since version 2 with its stock."""
    return {key: product[key] for key in ("id", "name", "price_cents", "stock")}
