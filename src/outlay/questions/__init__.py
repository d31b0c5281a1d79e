"""Asks the ledger: each question once, as an Ibis expression that any engine can run; answers are frozen values."""
