"""The store of activities in shared inboxes."""
