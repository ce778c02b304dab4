"""What is claimed of speed and pace, measured: `make bench`."""
