"""What any part of a running process may need: supervised tasks, deadlines, clocks, proxies, the results of checks."""
