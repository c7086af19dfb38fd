"""The command line: one file per noun; prints, decides nothing."""
