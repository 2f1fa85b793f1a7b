"""Stage C: the owner of campaigns, all findings in, alerts out."""
