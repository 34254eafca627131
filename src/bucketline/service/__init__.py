"""The service: what ledgers tell, over HTTPS. It owns no state but its tokens."""
