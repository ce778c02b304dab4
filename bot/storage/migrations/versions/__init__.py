"""One module a revision: what it changes, and `oldest_release`, the oldest release that may run on what it makes."""
