"""One file a rule, each a pure function from what is known now to what holds now."""
