"""Pages: the report as one file, its stylesheet and its charts. Nothing here asks the ledger."""
