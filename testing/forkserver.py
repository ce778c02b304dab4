"""Processes forked from one that has imported everything: to start Python anew takes seconds of CPU time."""

import multiprocessing

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    [
        "bot.app.cli.serve",
        "bot.app.cli.playground",
        "bot.playground.volcengine.__main__",
        "testing.worker",
        "testing.subscribe_race",
        "testing.shared_pace",
    ]
)
