"""How detectors are run and compared: cohorts, isolation of those that raise, counters."""
