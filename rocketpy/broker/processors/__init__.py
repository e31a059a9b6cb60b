"""What the broker does for each request code: one function a code, found through `broker/request_table.py`."""
