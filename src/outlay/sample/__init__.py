"""The sample month: a fictitious team's bills, logs and metrics as files, with planted waste whose dollars are known."""
