"""Templates of the Markdown tables and of the page."""
