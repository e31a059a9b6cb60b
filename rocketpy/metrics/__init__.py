"""A running server's figures in Prometheus' words, and the HTTP endpoint that tells them; it changes nothing."""
