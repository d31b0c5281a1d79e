"""From what the ledger shows to a message sent, once per cause: rules, alerts, routes, the outbox, notifiers."""
