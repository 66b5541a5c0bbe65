"""What `skvae` costs and what it reaches: run these as modules, `python -m ...`."""
