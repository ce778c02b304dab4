"""`python -m bot` is `rectask`."""

import sys

from bot.cli import main

sys.exit(main())
