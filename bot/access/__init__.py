"""Who may do what, what is recorded of it, and how much of it one person may ask for."""
