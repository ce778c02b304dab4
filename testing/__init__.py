"""What tests, soak and benchmarks share: servers, stand-in processes, and the bot in an office of its own."""
