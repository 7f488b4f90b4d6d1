"""Real-time messaging server: viewers' streams, ring, resume, registration."""
