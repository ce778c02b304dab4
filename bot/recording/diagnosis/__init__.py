"""What a recording's state means, what looks wrong with it and what to do."""
