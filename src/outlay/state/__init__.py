"""What changes and is no fact: people, sessions, tokens, budgets, alerts, what waits to be sent; and who changed it."""
