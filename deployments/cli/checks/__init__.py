"""What `hub doctor` checks, each check a function from what was read to findings."""
