"""Processes forked from one that has imported everything: to start Python anew takes seconds of CPU time."""

import multiprocessing

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    [
        "bot.app.cli.serve",
        "bot.app.cli.playground",
        "bot.playground.volcengine.__main__",
        "soak.worker",
        "soak.race",
        "soak.shared_pace",
    ]
)
