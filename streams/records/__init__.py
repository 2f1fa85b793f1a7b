"""Records in files and topics: reading, producing, redriving, showing alerts."""
