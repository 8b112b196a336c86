"""What the course says, one file a subject: `CLAIMS` in each is found by `ipcbench.bench.claim`."""
