"""Makers of hostile and broken input. Each writes into the folder that it is given; nothing of it is committed."""
