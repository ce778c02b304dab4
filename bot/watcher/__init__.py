"""The two loops behind a notice: looking at tasks until they end, and delivering what is to be told."""
