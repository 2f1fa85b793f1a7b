"""`hydrawatch demo`: broker, worker and a simulated world on one screen."""
