"""What a subscription, a watched task and a notice are, and what their stores and the messenger must do."""
