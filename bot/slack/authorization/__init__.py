"""Who may do what: profiles, user groups and channels as Slack reports them, rights as the settings give them."""
