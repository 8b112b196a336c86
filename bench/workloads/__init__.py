"""One file a workload, called as it is with underscores for hyphens; each holds one `WORKLOAD`."""
