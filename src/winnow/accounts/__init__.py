"""Who may do what, and who did: passwords, sessions, tokens and the audit trail."""
