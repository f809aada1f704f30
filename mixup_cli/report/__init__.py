"""Pictures and pages for people, of what is mixed or would be."""
