"""The deploy bot: a deterministic core, one worker loop and the adapters around them."""
