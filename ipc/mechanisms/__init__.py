"""One file a mechanism, called as it is with underscores for hyphens; each holds one `MECHANISM`."""
