"""The edge: Kafka, Faust, files, metrics and commands. It moves bytes and decides nothing."""
