"""The chapters of the report beyond messages, one file each: `CHAPTER` in each is found by `ipcbench.reports.chapter`."""
