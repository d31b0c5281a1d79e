"""Decides what may be spent: budgets now; manifests, TTL, approvals and policies join here. It never acts."""
