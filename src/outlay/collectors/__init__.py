"""What is read again and again while it goes on: one file a collector, each with a durable cursor."""
