"""What people do with the system, one function a step."""
