"""The contract in Python: its values in `types`, its errors in `errors`."""
