"""What a recording is: plain values and words, without I/O, async or anything beyond the standard library."""
