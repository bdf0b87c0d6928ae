"""Pure rules of a deploy thread; knows no I/O, no clock and no environment."""
