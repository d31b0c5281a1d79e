"""One file a notifier: how a message is written and sent over one kind of wire."""
