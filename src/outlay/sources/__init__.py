"""Outside formats read into facts; one file a source."""
