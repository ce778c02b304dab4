"""What replicas share in Redis: one pace for one account, and the answers."""
