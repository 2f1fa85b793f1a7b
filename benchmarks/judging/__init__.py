"""How detection is judged on simulated worlds: trials, their figures over seeds, tables and plots."""
