"""The mechanisms of inter-process communication, each behind one contract (see `contract`)."""
