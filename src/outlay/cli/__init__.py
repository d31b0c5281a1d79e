"""The command line: a thin face over the questions and the commands that every face shares."""
