"""A meter for glucose, uric acid and total cholesterol over a vendor's Bluetooth service."""
