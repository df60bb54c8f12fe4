"""One folder per vendor, the same file names everywhere; `kit` is what they share."""
