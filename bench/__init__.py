"""Cases, workloads, sampling and the command line."""
