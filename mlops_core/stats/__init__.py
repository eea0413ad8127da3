"""The statistics floor: arrays or counts in, floats or records out; no clock, no global random state."""
