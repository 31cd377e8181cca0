"""The words of the clinic: plain data that every other room speaks."""
