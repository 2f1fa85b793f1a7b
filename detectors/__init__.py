"""The core: from request events to alerts, as pure functions of what came before.

No module here reads a clock, the environment, a file or the network, and none knows that Kafka
exists. The same events, configuration and version give the same alerts.
"""
