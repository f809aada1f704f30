"""What all kinds of source share: the contract `Source`, labels, class tables, bounded reads.

A rule that two kinds of source need belongs here. Everything that is read here is treated as hostile."""
