"""One process: its stages by partition, the Faust app, and what runs beside."""
