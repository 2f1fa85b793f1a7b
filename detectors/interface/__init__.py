"""What a detector's author reads: detectors, evidence, thresholds, nats, kinds of value, columns."""
