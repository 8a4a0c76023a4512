"""The parts of scripts/chaos-many: several processes on one database, what disturbs them, and what must hold."""
