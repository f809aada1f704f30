"""One file a case: what is measured beside what, and which targets that decides."""
