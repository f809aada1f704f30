"""Makers of hostile and broken input. Each writes into the folder that it is given; what it writes is never committed."""
